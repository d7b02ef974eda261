-- Reads zones.parquet, zone_shapes.parquet and the table finest.
-- Writes the table areas_counted: the whole region first, then one row per area, in the files'
-- order; position numbers them. Drops the table finest.
{% from "measures.sql" import counts, is_land, is_valid, sums %}
CREATE TABLE areas_counted AS
WITH counted AS (
    SELECT layer, id, {{ counts(years, pairs, density) }}
    FROM (SELECT *, {{ is_land(years) }} AS is_land FROM read_parquet($zones, hive_partitioning = false))
    WHERE {{ is_valid(years) }}
    GROUP BY layer, id
),
shapes AS (
    SELECT row_number() OVER () AS position, layer, id, name, population, populations
    FROM read_parquet($shapes, hive_partitioning = false)
),
whole AS (
    SELECT 0 AS position, 'region' AS layer, $region AS id, $title AS name,
        NULL::DOUBLE AS population, {{ sums(years, pairs) }}
    FROM finest
)
SELECT * FROM whole
UNION ALL BY NAME
SELECT * FROM shapes LEFT JOIN counted USING (layer, id);

DROP TABLE finest;
