-- Reads zones.parquet and the Arrow table polygons (id, name, polygon_m2, edge_sd_m2,
-- repaired, reach).
-- Writes the table custom_areas: one row per polygon, in the order of the file.
{% from "measures.sql" import counts, is_land, is_valid, published %}
CREATE TABLE custom_areas AS
WITH counted AS (
    SELECT id, {{ counts(years, pairs) }}
    FROM (SELECT *, {{ is_land(years) }} AS is_land FROM read_parquet($zones))
    WHERE {{ is_valid(years) }}
    GROUP BY id
),
met AS (SELECT id, sum(pixels) AS pixels FROM read_parquet($zones) GROUP BY id)
SELECT p.id, p.name, p.polygon_m2, p.edge_sd_m2,
    coalesce(valid_cm2, 0) / 1e4 / nullif(p.polygon_m2, 0) AS valid_share,
    CASE
        WHEN p.reach = 'outside' THEN 'outside'
        WHEN coalesce(met.pixels, 0) = 0 THEN 'no pixel centre inside'
        WHEN counted.id IS NULL THEN 'no valid pixel'
        WHEN p.reach = 'partly' THEN 'partly outside'
        ELSE 'ok'
    END AS answer,
    p.repaired,
    {{ published(years, pairs) }}
FROM polygons AS p
LEFT JOIN counted USING (id)
LEFT JOIN met USING (id)
ORDER BY p.number;
