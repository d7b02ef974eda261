-- Reads cells.parquet. Returns one row, four figures for each year: the land of all its valid pixels,
-- the part of it that is valid in every year (square centimetres), and the pixels and square
-- centimetres, water included, that are valid in that year but not in every year.
{% from "measures.sql" import is_valid %}
SELECT
{%- for y in years %}
    coalesce(sum(area_cm2) FILTER (class_{{ y }} <> 255 AND NOT list_contains($water, class_{{ y }})), 0)::BIGINT,
    coalesce(sum(area_cm2) FILTER (NOT list_contains($water, class_{{ y }}) AND {{ is_valid(years) }}), 0)::BIGINT,
    coalesce(sum(pixels) FILTER (class_{{ y }} <> 255 AND NOT ({{ is_valid(years) }})), 0)::BIGINT,
    coalesce(sum(area_cm2) FILTER (class_{{ y }} <> 255 AND NOT ({{ is_valid(years) }})), 0)::BIGINT
    {{- "," if not loop.last }}
{%- endfor %}
FROM read_parquet($cells, hive_partitioning = false);
