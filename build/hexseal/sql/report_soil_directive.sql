-- Reads areas.parquet. Writes the table report: one row per area, in the order of the file.
CREATE OR REPLACE TABLE report AS
SELECT layer, id, name,
    valid_m2 / 1e6 AS surface_km2
    {%- for year in years %},
    sealed_m2_{{ year }} / 1e6 AS sealed_km2_{{ year }},
    100 * sealed_m2_{{ year }} / nullif(valid_m2, 0) AS sealed_percent_{{ year }}
    {%- endfor %}
    {%- for pair in pairs %},
    adjusted_m2_{{ pair.key }} / 1e6 AS net_km2_{{ pair.key }},
    adjusted_low_m2_{{ pair.key }} / 1e6 AS net_low_km2_{{ pair.key }},
    adjusted_high_m2_{{ pair.key }} / 1e6 AS net_high_km2_{{ pair.key }},
    adjusted_m2_{{ pair.key }} / 1e6 / {{ pair.span }} AS net_km2_per_year_{{ pair.key }},
    100 * adjusted_m2_{{ pair.key }} / {{ pair.span }} / nullif(valid_m2, 0)
        AS net_percent_per_year_{{ pair.key }},
    new_sealed_m2_{{ pair.key }} / 1e6 AS map_gain_km2_{{ pair.key }},
    unsealed_m2_{{ pair.key }} / 1e6 AS map_loss_km2_{{ pair.key }},
    grade_{{ pair.key }}
    {%- endfor %}
FROM read_parquet($areas, file_row_number = true, hive_partitioning = false)
ORDER BY file_row_number;
