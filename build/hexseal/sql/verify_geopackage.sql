-- SQLite. Reads one layer of a GeoPackage. Returns its number of rows and the sum of each column.
SELECT count(*){% for column in columns %}, total("{{ column }}"){% endfor %} FROM "{{ layer }}";
