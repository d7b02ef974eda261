-- Reads areas.parquet and zone_shapes.parquet. Writes the table dataset, one row per area in the
-- order of the file, with its outline (WKB; NULL for the whole region), and the view dataset_csv
-- of the same rows without outlines.
{% from "dataset_columns.sql" import typed %}
CREATE OR REPLACE TABLE dataset AS
SELECT {{ typed(columns) }}, geometry
FROM read_parquet($areas, file_row_number = true, hive_partitioning = false) AS figures
LEFT JOIN (SELECT layer, id, geometry FROM read_parquet($shapes, hive_partitioning = false)) AS shapes USING (layer, id)
ORDER BY file_row_number;
CREATE OR REPLACE VIEW dataset_csv AS SELECT * EXCLUDE (geometry) FROM dataset;
