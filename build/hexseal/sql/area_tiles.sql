-- Reads the table area_shapes. Returns one row per tile of the zoom: x, y, the vector layer "areas".
-- Outlines are simplified to half a pixel of the screen. One thread keeps the features in order.
{% from "shape_tiles.sql" import by_tile %}
SET threads = 1;
SELECT x, y, ST_AsMVT(feature, 'areas', 4096, 'geom', 'number') AS layer
FROM (
    SELECT x, y, {
        'geom': ST_AsMVTGeom(
            ST_SimplifyPreserveTopology(geom, $detail_m),
            ST_Extent(ST_TileEnvelope($zoom, x::INTEGER, y::INTEGER)), 4096, $buffer, true),
        'number': number,
        'layer': layer,
        'id': id,
        'name': name
    } AS feature
    FROM {{ by_tile() }}
    ORDER BY x, y, number
)
WHERE feature.geom IS NOT NULL
GROUP BY x, y
ORDER BY x, y;
