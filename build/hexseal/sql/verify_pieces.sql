-- Reads the finest hexagons whole and in pieces. Returns one row: how many rows stand in only one of
-- them (of areas: in the pieces only), and how many lie in the piece of another parent.
CREATE OR REPLACE TEMP TABLE pieces AS
SELECT * {% if outlines %}EXCLUDE (bbox, geometry){% endif %}
FROM read_parquet($pieces, hive_partitioning = true, hive_types = {'{{ key }}': VARCHAR});
SELECT (
    {% if key == "parent" %}
    SELECT coalesce(sum(abs(surplus)), 0)::BIGINT FROM (
        SELECT * EXCLUDE (surplus), sum(surplus) AS surplus FROM (
            SELECT * EXCLUDE (parent), 1 AS surplus FROM pieces
            UNION ALL
            SELECT * EXCLUDE (bbox, geometry), -1 AS surplus FROM read_parquet($whole)
        ) GROUP BY ALL
    )
    {% else %}
    SELECT count(*) FROM (
        SELECT * EXCLUDE ("{{ key }}") FROM pieces
        EXCEPT SELECT * EXCLUDE (bbox, geometry) FROM read_parquet($whole)
    )
    {% endif %}
), {% if key == "parent" %}(
    SELECT count(*) FROM pieces
    WHERE h3_hexadecimal(h3_parent(h3, h3_resolution(('0x' || parent)::UBIGINT))) <> parent
){% else %}0{% endif %};
