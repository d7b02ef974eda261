-- Reads one hexagon dataset. Returns one row: the exact sum of each column, to 1e-4 square metres.
SELECT {% for column in columns %}sum({{ column }}::DECIMAL(38, 4)){{ ", " if not loop.last }}{% endfor %}
FROM read_parquet($parquet, hive_partitioning = false);
