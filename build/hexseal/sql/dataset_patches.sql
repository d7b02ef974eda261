-- Reads patches_PAIR.parquet of every pair. Writes the table dataset, one row per listed patch, the
-- pairs in their order and the best patch first, with its outline as geometry (GeoParquet), and
-- the view dataset_csv of the same rows without outline and numeric index.
CREATE OR REPLACE TABLE dataset AS
SELECT * REPLACE (ST_GeomFromWKB(geometry) AS geometry)
FROM read_parquet($patches)
ORDER BY list_position($names, first_year::VARCHAR || '_' || second_year::VARCHAR), rank;
CREATE OR REPLACE VIEW dataset_csv AS SELECT * EXCLUDE (h3, geometry) FROM dataset;
