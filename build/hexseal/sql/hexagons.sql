-- Reads cells.parquet (one row per finest cell and joint class).
-- Writes the tables finest (one row per finest cell with a valid pixel) and
-- rolled (one row per cell of every published resolution).
{% from "measures.sql" import counts, is_land, is_valid, sums %}
CREATE TABLE finest AS
SELECT h3, {{ counts(years, pairs, density) }}
FROM (SELECT *, {{ is_land(years) }} AS is_land FROM read_parquet($cells, hive_partitioning = false))
WHERE {{ is_valid(years) }}
GROUP BY h3;

CREATE TABLE rolled AS
SELECT h3_parent(finest.h3, r.resolution) AS h3, r.resolution, {{ sums(years, pairs) }}
FROM finest, (SELECT unnest($resolutions)::UTINYINT AS resolution) AS r
GROUP BY ALL;
