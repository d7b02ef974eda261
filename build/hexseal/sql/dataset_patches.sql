-- Reads patches_PAIR.parquet of every pair. Writes the table dataset, one row per listed patch, the
-- pairs in their order and the best patch first, with its outline (WKB), and the view dataset_csv
-- of the same rows without outline and numeric index.
{% from "dataset_columns.sql" import typed %}
CREATE OR REPLACE TABLE dataset AS
SELECT {{ typed(columns) }}, geometry
FROM read_parquet($patches, hive_partitioning = false)
ORDER BY list_position($names, first_year::VARCHAR || '_' || second_year::VARCHAR), rank;
CREATE OR REPLACE VIEW dataset_csv AS SELECT * EXCLUDE (h3, geometry) FROM dataset;
