{# Reads and writes nothing: the columns that hexagons, areas and the whole region share.
   One row of the counted tables is a joint class; areas are whole square centimetres. #}
{% macro is_valid(years) -%}
{% for y in years %}{{ "AND " if not loop.first }}class_{{ y }} <> 255 {% endfor %}
{%- endmacro %}

{% macro is_land(years) -%}
NOT ({% for y in years %}{{ "AND " if not loop.first }}list_contains($water, class_{{ y }}) {% endfor %})
{%- endmacro %}

{% macro count(names, condition) -%}
coalesce(sum(pixels) FILTER ({{ condition }}), 0)::BIGINT AS {{ names[0] }},
    coalesce(sum(area_cm2) FILTER ({{ condition }}), 0)::BIGINT AS {{ names[1] }}
{%- endmacro %}

{% macro counts(years, pairs) -%}
    sum(pixels)::BIGINT AS valid_pixels,
    sum(area_cm2)::BIGINT AS valid_cm2,
    coalesce(sum(area_cm2) FILTER (is_land), 0)::BIGINT AS land_cm2
{%- for y in years %},
    {{ count(("sealed_pixels_%s" % y, "sealed_cm2_%s" % y), "list_contains($sealed, class_%s)" % y) }}
{%- endfor %}
{%- for a, b in pairs %},
    {{ count(("new_sealed_pixels_%s_%s" % (a, b), "new_sealed_cm2_%s_%s" % (a, b)),
        "NOT list_contains($sealed, class_%s) AND list_contains($sealed, class_%s)" % (a, b)) }},
    {{ count(("unsealed_pixels_%s_%s" % (a, b), "unsealed_cm2_%s_%s" % (a, b)),
        "list_contains($sealed, class_%s) AND NOT list_contains($sealed, class_%s)" % (a, b)) }}
{%- endfor %}
{%- endmacro %}

{% macro sums(years, pairs) -%}
    sum(valid_pixels)::BIGINT AS valid_pixels,
    sum(valid_cm2)::BIGINT AS valid_cm2,
    sum(land_cm2)::BIGINT AS land_cm2
{%- for y in years %},
    sum(sealed_pixels_{{ y }})::BIGINT AS sealed_pixels_{{ y }},
    sum(sealed_cm2_{{ y }})::BIGINT AS sealed_cm2_{{ y }}
{%- endfor %}
{%- for a, b in pairs %}{% for way in ("new_sealed", "unsealed") %},
    sum({{ way }}_pixels_{{ a }}_{{ b }})::BIGINT AS {{ way }}_pixels_{{ a }}_{{ b }},
    sum({{ way }}_cm2_{{ a }}_{{ b }})::BIGINT AS {{ way }}_cm2_{{ a }}_{{ b }}
{%- endfor %}{% endfor %}
{%- endmacro %}

{# Square metres, shares of land (0 to 1) and percentage points of land per year; NULL: no data. #}
{% macro published(years, pairs) -%}
    valid_cm2 / 1e4 AS valid_m2,
    land_cm2 / 1e4 AS land_m2,
    valid_pixels
{%- for y in years %},
    sealed_pixels_{{ y }},
    sealed_cm2_{{ y }} / 1e4 AS sealed_m2_{{ y }},
    sealed_cm2_{{ y }} / nullif(land_cm2, 0)::DOUBLE AS sealed_share_{{ y }},
    $sources['{{ y }}'] AS source_{{ y }}
{%- endfor %}
{%- for a, b in pairs %}{% set pair = "%s_%s" % (a, b) %},
    new_sealed_pixels_{{ pair }},
    unsealed_pixels_{{ pair }},
    new_sealed_cm2_{{ pair }} / 1e4 AS new_sealed_m2_{{ pair }},
    unsealed_cm2_{{ pair }} / 1e4 AS unsealed_m2_{{ pair }},
    (new_sealed_cm2_{{ pair }} - unsealed_cm2_{{ pair }}) / 1e4 AS net_m2_{{ pair }},
    100.0 * (new_sealed_cm2_{{ pair }} - unsealed_cm2_{{ pair }})
        / nullif(land_cm2, 0) / {{ b - a }} AS net_pp_per_year_{{ pair }}
{%- endfor %}
{%- endmacro %}

{# Judged change in pixels; sets of states are bound from STATE_SETS in change/states.py.
   Confirmed pixels are all of confirmed patches, confirmed_cm2 only those that are secure. #}
{% macro evidence() -%}
    coalesce(sum(pixels) FILTER (list_contains($gain_states, state)), 0)::BIGINT AS gain,
    coalesce(sum(pixels) FILTER (list_contains($loss_states, state)), 0)::BIGINT AS loss,
    coalesce(sum(pixels) FILTER (list_contains($confirmed_states, state)), 0)::BIGINT AS confirmed,
    coalesce(sum(area_cm2) FILTER (state = $secure_state), 0)::BIGINT AS confirmed_cm2,
    coalesce(sum(pixels) FILTER (state = $gain_field_state), 0)::BIGINT AS field_gain,
    coalesce(sum(pixels) FILTER (state = $loss_field_state), 0)::BIGINT AS field_loss,
    coalesce(sum(pixels) FILTER (edge_before = 1), 0)::BIGINT AS edges_before,
    coalesce(sum(pixels) FILTER (edge_after = 1), 0)::BIGINT AS edges_after,
    coalesce(sum(pixels) FILTER (doubtful = 1), 0)::BIGINT AS doubtful
{%- endmacro %}

{# What was judged of a pair of years; joined from the table judged_PAIR of hexagons or areas. #}
{% macro judged(pairs) -%}
{%- for a, b in pairs %}{% set pair = "%s_%s" % (a, b) %},
    j_{{ pair }}.grade AS grade_{{ pair }},
    j_{{ pair }}.confirmed_cm2 / 1e4 AS confirmed_m2_{{ pair }},
    j_{{ pair }}.adjusted_m2 AS adjusted_m2_{{ pair }},
    j_{{ pair }}.low_m2 AS adjusted_low_m2_{{ pair }},
    j_{{ pair }}.high_m2 AS adjusted_high_m2_{{ pair }},
    j_{{ pair }}.q_value AS q_value_{{ pair }},
    j_{{ pair }}.signal AS signal_{{ pair }}
{%- endfor %}
{%- endmacro %}
