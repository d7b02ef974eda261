-- Reads the Arrow tables polygons (number, id, name, polygon_m2, edge_sd_m2, repaired, inside) and
-- kept (number and columns of the file), zones.parquet where a polygon meets the grid, and
-- areas.parquet where change was judged.
-- Writes the table custom_areas: one row per polygon, in the order of the file.
{% from "measures.sql" import counts, figures, is_land, is_valid %}
CREATE TABLE custom_areas AS
WITH counted AS (
{%- if has_counts %}
    SELECT id, {{ counts(years, pairs, density) }}
    FROM (SELECT *, {{ is_land(years) }} AS is_land FROM read_parquet($zones, hive_partitioning = false))
    WHERE {{ is_valid(years) }}
    GROUP BY id
{%- else %}
    SELECT NULL::VARCHAR AS id, {{ counts(years, pairs, density) }}
    FROM (SELECT 0 AS pixels, 0 AS area_cm2, false AS is_land
        {%- for y in years %}, 255 AS class_{{ y }}{% endfor %})
{%- endif %}
),
met AS (
{%- if has_counts %}
    SELECT id, sum(pixels) AS pixels FROM read_parquet($zones, hive_partitioning = false) GROUP BY id
{%- else %}
    SELECT NULL::VARCHAR AS id, 0 AS pixels
{%- endif %}
),
described AS (
    SELECT p.*, coalesce(met.pixels, 0) AS met_pixels, counted.* EXCLUDE (id),
        -- The share of pixels is free of the noise of counting them; a polygon cut at the edge
        -- of its projection is not, so its area bounds it.
        CASE WHEN valid_pixels IS NOT NULL THEN least(
            p.inside * coalesce(valid_pixels, 0) / nullif(met.pixels, 0),
            coalesce(valid_cm2, 0) / 1e4 / nullif(p.polygon_m2, 0)
                + 4 * p.edge_sd_m2 / nullif(p.polygon_m2, 0) + 0.01
        ) END AS covered
    FROM polygons AS p
    LEFT JOIN counted USING (id)
    LEFT JOIN met USING (id)
)
SELECT t.id, t.name, polygon_m2, edge_sd_m2, coalesce(covered, 0) AS covered_share,
    CASE
        WHEN inside = 0 THEN 'outside'
        WHEN met_pixels = 0 THEN 'no pixel centre inside'
        WHEN valid_pixels IS NULL THEN 'no valid pixel'
        WHEN covered < $covered THEN 'partly'
        ELSE 'ok'
    END AS answer,
    repaired,
    {{ figures(counted_columns) }}
{%- for column in judged_columns %},
    {% if has_areas %}a."{{ column.name }}"{% else %}NULL::{{ column.type }} AS "{{ column.name }}"{% endif %}
{%- endfor %},
    kept.* EXCLUDE (number)
FROM described AS t
LEFT JOIN kept USING (number)
{%- if has_areas %}
LEFT JOIN (
    SELECT id AS judged_id
        {%- for column in judged_columns %}, "{{ column.name }}"{% endfor %}
    FROM read_parquet($areas, hive_partitioning = false) WHERE layer = 'custom'
) AS a ON judged_id = t.id
{%- endif %}
ORDER BY t.number;
