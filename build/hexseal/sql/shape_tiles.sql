{# Rows of the table area_shapes, once for each tile of a zoom that their box meets, with x and y. #}
{% macro by_tile() -%}
(
    SELECT *, unnest(range(
        greatest(0, floor(north * $across - $margin))::BIGINT,
        least($across - 1, floor(south * $across + $margin))::BIGINT + 1)) AS y
    FROM (
        SELECT *, unnest(range(
            greatest(0, floor(west * $across - $margin))::BIGINT,
            least($across - 1, floor(east * $across + $margin))::BIGINT + 1)) AS x
        FROM area_shapes
    )
)
{%- endmacro %}
