-- Reads the table area_shapes, made of patches. Returns one row per tile of the zoom: x, y, the
-- vector layer "patches". Outlines keep every corner. One thread keeps the features in order.
{% from "shape_tiles.sql" import by_tile %}
SET threads = 1;
SELECT x, y, ST_AsMVT(feature, 'patches', 4096, 'geom', 'number') AS layer
FROM (
    SELECT x, y, {
        'geom': ST_AsMVTGeom(
            geom, ST_Extent(ST_TileEnvelope($zoom, x::INTEGER, y::INTEGER)), 4096, $buffer, true),
        'number': number,
        'pair': pair,
        'rank': rank,
        'q_value': q_value,
        'area_m2': area_m2,
        'origin': origin
    } AS feature
    FROM {{ by_tile() }}
    ORDER BY x, y, number
)
WHERE feature.geom IS NOT NULL
GROUP BY x, y
ORDER BY x, y;
