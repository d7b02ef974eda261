-- Reads the counts that several windows share. Returns them summed: one row per owner (H3 cell, or
-- layer and id) and joint class. Corrections are negative rows.
SELECT * EXCLUDE (pixels, area_cm2),
    sum(pixels)::BIGINT AS pixels, sum(area_cm2)::BIGINT AS area_cm2
FROM read_parquet($parts)
GROUP BY ALL
HAVING sum(pixels) <> 0
ORDER BY ALL;
