-- Reads one hexagon dataset. Returns one row: the exact sum of each column, to 1e-4 square metres, NULL
-- where a hexagon lacks it, because its grade is inconclusive.
SELECT {% for column in columns %}CASE WHEN count({{ column }}) = count(*)
    THEN sum({{ column }}::DECIMAL(38, 4)) END{{ ", " if not loop.last }}{% endfor %}
FROM read_parquet($parquet);
