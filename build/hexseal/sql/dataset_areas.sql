-- Reads areas.parquet. Writes the table dataset, one row per area, and the view dataset_csv.
CREATE OR REPLACE TABLE dataset AS SELECT * FROM read_parquet($areas);
CREATE OR REPLACE VIEW dataset_csv AS SELECT * FROM dataset;
