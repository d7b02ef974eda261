{# Reads and writes nothing: indicators of an area, derived from its published columns. #}

{# Inhabitants of a year; a count without a year stands for the last year of the region. #}
{% macro inhabitants(year, years) -%}
nullif(coalesce(populations[{{ year }}]{{ ", population" if year == years[-1] }}), 0)
{%- endmacro %}

{# Adjusted change since the first year: of the pair itself where it was judged, else step by step. #}
{% macro since_first(year, years, pairs) -%}
{% if (years[0], year) in pairs %}adjusted_m2_{{ years[0] }}_{{ year }}
{%- else %}(0 {%- for a, b in pairs if b <= year and (years.index(b) - years.index(a)) == 1 %} + adjusted_m2_{{ a }}_{{ b }}{% endfor %})
{%- endif %}
{%- endmacro %}

{# Index: the first year's map is 100, later years follow the adjusted change. #}
{% macro stock_indicators(years, pairs) -%}
{%- for y in years %},
    sealed_m2_{{ y }} / {{ inhabitants(y, years) }} AS sealed_m2_per_inhabitant_{{ y }},
    100.0 * (1 + {{ since_first(y, years, pairs) }} / nullif(sealed_m2_{{ years[0] }}, 0)) AS index_{{ y }}
{%- endfor %}
{%- endmacro %}

{# SDG 11.3.1 (UN-Habitat metadata): LCR = (V2 - V1) / V1 / t, PGR = ln(P2 / P1) / t; their ratio
   says nothing where the population hardly changes (0.1 % a year). #}
{% macro change_indicators(pairs) -%}
{%- for a, b in pairs %}{% set pair = "%s_%s" % (a, b) %}{% set t = b - a %}
{% set pgr = "ln(nullif(populations[%s], 0) / nullif(populations[%s], 0)) / %s" % (b, a, t) %}
{% set lcr = "adjusted_m2_%s / nullif(sealed_m2_%s, 0) / %s" % (pair, a, t) %},
    (adjusted_high_m2_{{ pair }} - adjusted_low_m2_{{ pair }}) / 2 AS detection_limit_m2_{{ pair }},
    adjusted_m2_{{ pair }} / {{ t }} AS adjusted_m2_per_year_{{ pair }},
    100.0 * adjusted_m2_{{ pair }} / nullif(land_m2, 0) AS adjusted_pp_{{ pair }},
    100.0 * adjusted_m2_{{ pair }} / nullif(sealed_m2_{{ a }}, 0) AS relative_percent_{{ pair }},
    unsealed_m2_{{ pair }} / nullif(new_sealed_m2_{{ pair }}, 0) AS loss_gain_ratio_{{ pair }},
    {{ lcr }} AS land_consumption_rate_{{ pair }},
    {{ pgr }} AS population_growth_rate_{{ pair }},
    CASE WHEN abs({{ pgr }}) >= 0.001 THEN ({{ lcr }}) / ({{ pgr }}) END AS lcrpgr_{{ pair }}
{%- endfor %}
{%- endmacro %}
