-- Reads cells.parquet, zones.parquet, the evidence of each pair (cells and zones), areas.parquet and
-- hexagons.parquet (grades: nothing is confirmed where a unit is inconclusive), the Arrow table
-- classes (origin, name). Writes transition_areas (one row per pair, area and former class; the
-- whole region first) and transition_hexagons (the same per cell of the resolution $resolution):
-- square metres that became sealed, raw and confirmed. Of densities, what rose, in hundredths of cm²
-- until the end, by the range that it rose from: the Arrow table ranges holds that of each code.
{% macro new_sealed(a, b) -%}
NOT list_contains($sealed, class_{{ a }}) AND list_contains($sealed, class_{{ b }})
    {%- for y in years %} AND class_{{ y }} <> 255{% endfor %}
{%- endmacro %}
{% macro risen(a, b) -%}
class_{{ b }} > class_{{ a }}{% for y in years %} AND class_{{ y }} <> 255{% endfor %}
{%- endmacro %}
{% macro parts(source, a, b) -%}
{% if density -%}
ranges.origin_class, area_cm2 * (class_{{ b }}::BIGINT - class_{{ a }}::BIGINT) AS raw_cm2, 0 AS confirmed_cm2
FROM read_parquet({{ source }}, hive_partitioning = false) JOIN ranges ON ranges.code = class_{{ a }} WHERE {{ risen(a, b) }}
{%- else -%}
class_{{ a }} AS origin_class, area_cm2 AS raw_cm2, 0 AS confirmed_cm2
FROM read_parquet({{ source }}, hive_partitioning = false) WHERE {{ new_sealed(a, b) }}
{%- endif %}
{%- endmacro %}
{% set m2 = "1e6" if density else "1e4" %}
CREATE TABLE transition_parts AS
{% for a, b in pairs %}
SELECT {{ a }} AS first_year, {{ b }} AS second_year, 'cell' AS kind, NULL AS layer, NULL AS id, h3,
    {{ parts("$cells", a, b) }}
UNION ALL
SELECT {{ a }}, {{ b }}, 'zone', layer, id, NULL, {{ parts("$zones", a, b) }}
UNION ALL
SELECT {{ a }}, {{ b }}, 'cell', NULL, NULL, h3, origin, 0, area_cm2
FROM read_parquet($evidence_cells_{{ a }}_{{ b }}, hive_partitioning = false) WHERE state = $secure_state
UNION ALL
SELECT {{ a }}, {{ b }}, 'zone', layer, id, NULL, origin, 0, area_cm2
FROM read_parquet($evidence_zones_{{ a }}_{{ b }}, hive_partitioning = false) WHERE state = $secure_state
{{ "UNION ALL" if not loop.last }}
{% endfor %};

CREATE TABLE grades AS
{% for a, b in pairs %}
SELECT layer, id, NULL::UBIGINT AS h3, {{ a }} AS first_year, {{ b }} AS second_year,
    grade_{{ a }}_{{ b }} = 'inconclusive' AS is_open
FROM read_parquet($areas, hive_partitioning = false)
UNION ALL
SELECT NULL, NULL, h3, {{ a }}, {{ b }}, grade_{{ a }}_{{ b }} = 'inconclusive'
FROM read_parquet($hexagons, hive_partitioning = false) WHERE resolution = $resolution
{{ "UNION ALL" if not loop.last }}
{% endfor %};

CREATE TABLE transition_areas AS
WITH summed AS (
    SELECT coalesce(layer, 'region') AS layer, coalesce(id, $region) AS id, first_year, second_year,
        origin_class, sum(raw_cm2) AS raw, sum(confirmed_cm2) AS confirmed
    FROM transition_parts GROUP BY ALL
),
names AS (
    SELECT 0 AS position, 'region' AS layer, $region AS id, $title AS area_name
    UNION ALL
    SELECT row_number() OVER (), layer, id, name FROM read_parquet($shapes, hive_partitioning = false)
)
SELECT layer, id, area_name AS name, first_year::SMALLINT AS first_year,
    second_year::SMALLINT AS second_year, origin_class::UTINYINT AS origin_class,
    classes.name AS origin, (raw / {{ m2 }})::DOUBLE AS new_sealed_m2,
    CASE WHEN NOT is_open THEN (confirmed / {{ m2 }})::DOUBLE END AS confirmed_m2
FROM summed JOIN names USING (layer, id) LEFT JOIN classes USING (origin_class)
LEFT JOIN grades USING (layer, id, first_year, second_year)
ORDER BY position, first_year, second_year, origin_class;

CREATE TABLE transition_hexagons AS
WITH summed AS (
    SELECT h3_parent(h3, $resolution) AS h3, first_year, second_year, origin_class,
        sum(raw_cm2) AS raw, sum(confirmed_cm2) AS confirmed
    FROM transition_parts WHERE kind = 'cell' GROUP BY ALL
)
SELECT h3, h3_hexadecimal(h3) AS h3_hex,
    first_year::SMALLINT AS first_year, second_year::SMALLINT AS second_year,
    origin_class::UTINYINT AS origin_class, classes.name AS origin,
    (raw / {{ m2 }})::DOUBLE AS new_sealed_m2,
    CASE WHEN NOT is_open THEN (confirmed / {{ m2 }})::DOUBLE END AS confirmed_m2
FROM summed LEFT JOIN classes USING (origin_class)
LEFT JOIN grades USING (h3, first_year, second_year)
ORDER BY h3, first_year, second_year, origin_class;
