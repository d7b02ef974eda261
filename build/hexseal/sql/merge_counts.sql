-- Reads counts of several regions (or of one): cells.parquet, zones.parquet or the evidence of a
-- pair. Writes the table counts: one row per owner (H3 cell, or layer and id) and class, summed.
CREATE OR REPLACE TABLE counts AS
SELECT * EXCLUDE (pixels, area_cm2),
    sum(pixels)::BIGINT AS pixels, sum(area_cm2)::BIGINT AS area_cm2
FROM read_parquet($parts, hive_partitioning = false)
GROUP BY ALL
HAVING sum(pixels) <> 0
ORDER BY ALL;
