-- Reads areas.parquet and transition_areas.parquet. Writes the table report: for each area and pair
-- of consecutive years a row of all classes, which has net change and grade, then one per former class.
CREATE OR REPLACE TABLE report AS
WITH area AS (SELECT * FROM read_parquet($areas, file_row_number = true, hive_partitioning = false)),
total AS (
    {%- for pair in pairs %}
    {{ "UNION ALL" if not loop.first }}
    SELECT file_row_number, layer, id, name, valid_m2,
        {{ pair.first }}::SMALLINT AS first_year, {{ pair.second }}::SMALLINT AS second_year,
        NULL::UTINYINT AS origin_class, NULL::VARCHAR AS origin,
        new_sealed_m2_{{ pair.key }} AS map_m2, confirmed_m2_{{ pair.key }} AS confirmed_m2,
        adjusted_m2_{{ pair.key }} AS net_m2, adjusted_low_m2_{{ pair.key }} AS low_m2,
        adjusted_high_m2_{{ pair.key }} AS high_m2, grade_{{ pair.key }} AS grade
    FROM area
    {%- endfor %}
),
class AS (
    SELECT total.* REPLACE (
        part.origin_class AS origin_class, part.origin AS origin,
        part.new_sealed_m2 AS map_m2,
        CASE WHEN total.confirmed_m2 IS NOT NULL THEN part.confirmed_m2 END AS confirmed_m2,
        NULL AS net_m2, NULL AS low_m2, NULL AS high_m2)
    FROM total JOIN read_parquet($transitions, hive_partitioning = false) AS part USING (layer, id, first_year, second_year)
)
SELECT layer, id, name, first_year, second_year, origin_class, origin,
    map_m2 / 1e4 AS map_gain_ha,
    map_m2 / 1e4 / (second_year - first_year) AS map_gain_ha_per_year,
    100 * map_m2 / nullif(valid_m2, 0) AS map_gain_percent,
    confirmed_m2 / 1e4 AS confirmed_ha,
    net_m2 / 1e4 AS net_ha, low_m2 / 1e4 AS net_low_ha, high_m2 / 1e4 AS net_high_ha,
    net_m2 / 1e4 / (second_year - first_year) AS net_ha_per_year,
    100 * net_m2 / nullif(valid_m2, 0) AS net_percent,
    grade
FROM (FROM total UNION ALL FROM class)
ORDER BY file_row_number, first_year, second_year, origin_class NULLS FIRST;
