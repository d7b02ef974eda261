-- SQLite. Writes what a column is into gpkg_data_columns.
INSERT INTO gpkg_data_columns (table_name, column_name, description) VALUES (:layer, :name, :text);
