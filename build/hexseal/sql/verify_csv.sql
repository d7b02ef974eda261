-- Reads a dataset as Parquet and as CSV. Returns one row: how many rows stand in only one of them.
-- The CSV is read with the Parquet file's own types.
{% set wanted = "SELECT *" ~ (" EXCLUDE (" ~ index ~ ")" if index else "") %}
CREATE OR REPLACE TEMP TABLE from_csv AS {{ wanted }} FROM read_parquet($parquet, hive_partitioning = false) LIMIT 0;
INSERT INTO from_csv SELECT * FROM read_csv(
    $csv, header = true, all_varchar = true, hive_partitioning = false
);
SELECT coalesce(sum(abs(surplus)), 0)::BIGINT FROM (
    SELECT * EXCLUDE (surplus), sum(surplus) AS surplus FROM (
        {{ wanted }}, 1 AS surplus FROM read_parquet($parquet, hive_partitioning = false)
        UNION ALL SELECT *, -1 AS surplus FROM from_csv
    ) GROUP BY ALL
);
