-- Reads a dataset as Parquet and as CSV. Returns one row: how many rows stand in only one of them.
-- The CSV is read with the Parquet file's own types.
CREATE OR REPLACE TEMP TABLE from_parquet AS
SELECT *{% if index %} EXCLUDE ({{ index }}){% endif %} FROM read_parquet($parquet);
CREATE OR REPLACE TEMP TABLE from_csv AS FROM from_parquet LIMIT 0;
INSERT INTO from_csv SELECT * FROM read_csv($csv, header = true, all_varchar = true);
SELECT count(*) FROM (
    (FROM from_parquet EXCEPT ALL FROM from_csv)
    UNION ALL
    (FROM from_csv EXCEPT ALL FROM from_parquet)
);
