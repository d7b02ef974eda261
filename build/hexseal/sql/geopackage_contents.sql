-- SQLite. Writes title and source of a layer into gpkg_contents, and a fixed time.
UPDATE gpkg_contents SET identifier = :layer, description = :text, last_change = '2000-01-01T00:00:00.000Z'
WHERE table_name = :layer;
