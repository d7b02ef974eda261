-- Reads the finest hexagons whole and in pieces. Returns one row: how many rows stand in only one of
-- them (of areas: in the pieces only), and how many lie in the piece of another parent.
CREATE OR REPLACE TEMP TABLE pieces AS
SELECT * {% if outlines %}EXCLUDE (bbox, geometry){% endif %}
FROM read_parquet($pieces, hive_partitioning = true, hive_types = {'{{ key }}': VARCHAR});
SELECT (
    SELECT count(*) FROM (
        (SELECT * EXCLUDE ("{{ key }}") FROM pieces
         EXCEPT{{ " ALL" if key == "parent" }} SELECT * EXCLUDE (bbox, geometry) FROM read_parquet($whole))
        {% if key == "parent" %}
        UNION ALL
        (SELECT * EXCLUDE (bbox, geometry) FROM read_parquet($whole)
         EXCEPT ALL SELECT * EXCLUDE ("{{ key }}") FROM pieces)
        {% endif %}
    )
), {% if key == "parent" %}(
    SELECT count(*) FROM pieces
    WHERE h3_hexadecimal(h3_parent(h3, h3_resolution(('0x' || parent)::UBIGINT))) <> parent
){% else %}0{% endif %};
