-- Reads the published cells.parquet. Returns one row: square metres that are valid in every year.
{% from "measures.sql" import is_valid %}
SELECT coalesce(sum(area_cm2), 0)::DOUBLE / 1e4 FROM read_parquet($cells, hive_partitioning = false) WHERE {{ is_valid(years) }};
