-- Reads the table shapes. Returns one row per tile of the zoom: x, y, the vector layer "hexagons".
{% from "tile_grid.sql" import tiles %}
SELECT x, y, ST_AsMVT(feature, 'hexagons', 4096, 'geom', 'id' ORDER BY feature.id) AS layer
FROM (
    SELECT x, y, {
        'geom': ST_AsMVTGeom(geom, frame, 4096, $buffer, true),
        'id': h3_low_bits(h3),
        'resolution': resolution::INTEGER,
        'valid_m2': round(valid_m2)::BIGINT,
        'land_m2': round(land_m2)::BIGINT
{%- for y in years %},
        'sealed_m2_{{ y }}': round(sealed_m2_{{ y }})::BIGINT
{%- endfor %}
{%- for a, b in pairs %},
        'new_sealed_m2_{{ a }}_{{ b }}': round(new_sealed_m2_{{ a }}_{{ b }})::BIGINT,
        'unsealed_m2_{{ a }}_{{ b }}': round(unsealed_m2_{{ a }}_{{ b }})::BIGINT
{%- endfor %}
    } AS feature
    FROM ({{ tiles("shapes", "resolution = $resolution") }})
)
WHERE feature.geom IS NOT NULL
GROUP BY x, y;
