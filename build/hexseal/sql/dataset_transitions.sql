-- Reads transition_areas.parquet or transition_hexagons.parquet, rows in their order. Writes the
-- table dataset and the view dataset_csv of the same rows without a numeric index.
{% from "dataset_columns.sql" import typed %}
CREATE OR REPLACE TABLE dataset AS SELECT {{ typed(columns) }} FROM read_parquet($transitions, hive_partitioning = false);
CREATE OR REPLACE VIEW dataset_csv AS SELECT *{% if index %} EXCLUDE (h3){% endif %} FROM dataset;
