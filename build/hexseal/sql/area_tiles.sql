-- Reads the table area_shapes. Returns one row per tile of the zoom: x, y, the vector layer "areas".
-- Outlines are simplified to a pixel of the tile.
{% from "tile_grid.sql" import tiles %}
SELECT x, y, ST_AsMVT(feature, 'areas', 4096, 'geom', 'number' ORDER BY feature.number) AS layer
FROM (
    SELECT x, y, {
        'geom': ST_AsMVTGeom(ST_SimplifyPreserveTopology(geom, $detail_m), frame, 4096, $buffer, true),
        'number': number,
        'layer': layer,
        'id': id,
        'name': name
    } AS feature
    FROM ({{ tiles("area_shapes", "true") }})
)
WHERE feature.geom IS NOT NULL
GROUP BY x, y;
