-- Reads cells.parquet. Returns one row: for each year the land of all its valid pixels, then the
-- part of it that is valid in every year, in square centimetres.
{% from "measures.sql" import is_valid %}
SELECT
{%- for y in years %}
    coalesce(sum(area_cm2) FILTER (class_{{ y }} <> 255 AND NOT list_contains($water, class_{{ y }})), 0)::BIGINT,
    coalesce(sum(area_cm2) FILTER (NOT list_contains($water, class_{{ y }}) AND {{ is_valid(years) }}), 0)::BIGINT
    {{- "," if not loop.last }}
{%- endfor %}
FROM read_parquet($cells);
