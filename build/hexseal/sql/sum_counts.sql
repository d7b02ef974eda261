-- Reads the counts that several windows share. Returns them summed: one row per owner (H3 cell, or
-- layer and id) and joint class. Corrections are negative rows.
-- Areas come in mm² and leave in whole cm², halves rounded up.
SELECT * EXCLUDE (pixels, area_mm2),
    sum(pixels)::BIGINT AS pixels, ((sum(area_mm2) + 50) // 100)::BIGINT AS area_cm2
FROM read_parquet($parts, hive_partitioning = false)
GROUP BY ALL
HAVING sum(pixels) <> 0
ORDER BY ALL;
