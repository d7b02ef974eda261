-- SQLite. Writes what a column is into gpkg_data_columns; QGIS shows name or title as its alias.
INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description)
VALUES (:layer, :name, :alias, :alias, :text);
