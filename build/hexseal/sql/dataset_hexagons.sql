-- Reads hexagons.parquet. Writes the table dataset, one row per cell of one resolution, and the
-- view dataset_csv of the same rows without the numeric index, which spreadsheets would round.
{% from "dataset_columns.sql" import typed %}
CREATE OR REPLACE TABLE dataset AS
SELECT {{ typed(columns) }}
FROM read_parquet($hexagons, hive_partitioning = false) WHERE resolution = $resolution ORDER BY h3;
CREATE OR REPLACE VIEW dataset_csv AS SELECT * EXCLUDE (h3) FROM dataset;
