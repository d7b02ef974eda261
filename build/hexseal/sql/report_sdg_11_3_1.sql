-- Reads areas.parquet. Writes the table report: one row per area, in the order of the file.
CREATE OR REPLACE TABLE report AS
SELECT layer, id, name
    {%- for year in years %},
    sealed_m2_per_inhabitant_{{ year }}
    {%- endfor %}
    {%- for pair in pairs %}{% set sealed = "nullif(sealed_m2_%s, 0) / %s" % (pair.first, pair.span) %},
    land_consumption_rate_{{ pair.key }},
    adjusted_low_m2_{{ pair.key }} / {{ sealed }} AS land_consumption_rate_low_{{ pair.key }},
    adjusted_high_m2_{{ pair.key }} / {{ sealed }} AS land_consumption_rate_high_{{ pair.key }},
    population_growth_rate_{{ pair.key }},
    lcrpgr_{{ pair.key }},
    grade_{{ pair.key }}
    {%- endfor %}
FROM read_parquet($areas, file_row_number = true, hive_partitioning = false)
ORDER BY file_row_number;
