-- Reads one dataset. Returns the values of one column, each once.
SELECT DISTINCT "{{ column }}" FROM read_parquet($parquet, hive_partitioning = false) WHERE "{{ column }}" IS NOT NULL;
