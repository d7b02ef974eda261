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

{# What rises and what falls of densities, the per cent of each pixel; see counts. #}
{% macro flow(names, low, high) -%}
coalesce(sum(pixels) FILTER ({{ high }} > {{ low }}), 0)::BIGINT AS {{ names[0] }},
    coalesce(sum(area_cm2 * greatest({{ high }}::BIGINT - {{ low }}::BIGINT, 0)), 0)::BIGINT AS {{ names[1] }}
{%- endmacro %}

{# Of densities, what is named cm2 of sealed, new and unsealed holds hundredths of a square centimetre:
   area times per cent, still whole numbers. #}
{% macro counts(years, pairs, density=false) -%}
    sum(pixels)::BIGINT AS valid_pixels,
    sum(area_cm2)::BIGINT AS valid_cm2,
    coalesce(sum(area_cm2) FILTER (is_land), 0)::BIGINT AS land_cm2
{%- if density %}
{%- for y in years %},
    coalesce(sum(pixels) FILTER (class_{{ y }} > 0), 0)::BIGINT AS sealed_pixels_{{ y }},
    coalesce(sum(area_cm2 * class_{{ y }}), 0)::BIGINT AS sealed_cm2_{{ y }}
{%- endfor %}
{%- for a, b in pairs %},
    {{ flow(("new_sealed_pixels_%s_%s" % (a, b), "new_sealed_cm2_%s_%s" % (a, b)),
        "class_%s" % a, "class_%s" % b) }},
    {{ flow(("unsealed_pixels_%s_%s" % (a, b), "unsealed_cm2_%s_%s" % (a, b)),
        "class_%s" % b, "class_%s" % a) }}
{%- endfor %}
{%- else %}
{%- for y in years %},
    {{ count(("sealed_pixels_%s" % y, "sealed_cm2_%s" % y), "list_contains($sealed, class_%s)" % y) }}
{%- endfor %}
{%- for a, b in pairs %},
    {{ count(("new_sealed_pixels_%s_%s" % (a, b), "new_sealed_cm2_%s_%s" % (a, b)),
        "NOT list_contains($sealed, class_%s) AND list_contains($sealed, class_%s)" % (a, b)) }},
    {{ count(("unsealed_pixels_%s_%s" % (a, b), "unsealed_cm2_%s_%s" % (a, b)),
        "list_contains($sealed, class_%s) AND NOT list_contains($sealed, class_%s)" % (a, b)) }}
{%- endfor %}
{%- endif %}
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

{# Columns of the codebook, computed as it defines them. An expression may use what was counted (counts),
   judged_PAIR, the bound $sources and the columns before it; areas also the columns of stocks,
   inhabitants_YEAR and growth_PAIR. #}
{% macro figures(columns) -%}
{% for column in columns %}{{ column.sql or column.name }} AS "{{ column.name }}"{{ ",\n    " if not loop.last }}{% endfor %}
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
