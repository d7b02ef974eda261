-- Reads the tables areas_counted, stocks (position, sealed area corrected for map errors) and, for
-- each pair, judged_areas_PAIR (position and what was judged).
-- Writes the table areas in the columns of the codebook: see "areas.parquet" in
-- docs/development/files.md.
{% from "measures.sql" import figures %}
{# Inhabitants of a year; a count without a year stands for the last year of the region. #}
{% macro inhabitants(year) -%}
nullif(coalesce(populations[{{ year }}]{{ ", population" if year == years[-1] }}), 0)
{%- endmacro %}
{# SDG 11.3.1 (UN-Habitat metadata): PGR = ln(P2 / P1) / t. #}
{% macro growth(a, b) -%}
ln(nullif(populations[{{ b }}], 0) / nullif(populations[{{ a }}], 0)) / {{ b - a }}
{%- endmacro %}
CREATE TABLE areas AS
WITH counted AS (
    SELECT *
        {%- for y in years %}, {{ inhabitants(y) }} AS inhabitants_{{ y }}{% endfor %}
        {%- for a, b in pairs %}, {{ growth(a, b) }} AS growth_{{ a }}_{{ b }}{% endfor %}
    FROM areas_counted
)
SELECT {{ figures(columns) }}
FROM counted
LEFT JOIN stocks USING (position)
{% for a, b in pairs %}LEFT JOIN judged_areas_{{ a }}_{{ b }} AS judged_{{ a }}_{{ b }} USING (position)
{% endfor %}ORDER BY position;
