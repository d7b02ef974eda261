-- Reads the table dataset. Returns its number of rows.
SELECT count(*) FROM dataset;
