{# Reads and writes nothing: the tiles of a zoom that an extent touches, with the buffer around. #}
{% macro tiles(table, condition) -%}
SELECT *, ST_Extent(ST_TileEnvelope($zoom, x, y)) AS frame
FROM (
    SELECT *, unnest(range(
        greatest(0, floor(north * $across - $margin))::BIGINT,
        least($across - 1, floor(south * $across + $margin))::BIGINT + 1)) AS y
    FROM (
        SELECT *, unnest(range(
            greatest(0, floor(west * $across - $margin))::BIGINT,
            least($across - 1, floor(east * $across + $margin))::BIGINT + 1)) AS x
        FROM {{ table }}
        WHERE {{ condition }}
    )
)
{%- endmacro %}
