-- Reads the partial counts of all windows. Writes the tables cells and zones:
-- one row per H3 cell (or area) and joint class.
CREATE TABLE cells AS
SELECT * EXCLUDE (pixels, area_cm2), sum(pixels)::BIGINT AS pixels, sum(area_cm2)::BIGINT AS area_cm2
FROM read_parquet($cell_parts)
GROUP BY ALL
ORDER BY ALL;

CREATE TABLE zones AS
SELECT * EXCLUDE (pixels, area_cm2), sum(pixels)::BIGINT AS pixels, sum(area_cm2)::BIGINT AS area_cm2
FROM read_parquet($zone_parts)
GROUP BY ALL
ORDER BY ALL;
