-- SQLite. Writes one style of a layer into layer_styles; times are fixed, so that bytes are.
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,
    styleQML, styleSLD, useAsDefault, description, owner, update_time)
VALUES ('', '', :layer, 'geom', :name, :qml, '', :is_default, :name, '', '2000-01-01T00:00:00.000Z');
