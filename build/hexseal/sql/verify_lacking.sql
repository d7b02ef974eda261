-- Reads one hexagon dataset. Returns one row: how many hexagons lack each column, because their grade
-- is inconclusive.
SELECT {% for column in columns %}count(*) - count({{ column }}){{ ", " if not loop.last }}{% endfor %}
FROM read_parquet($parquet, hive_partitioning = false);
