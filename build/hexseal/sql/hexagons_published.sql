-- Reads the tables rolled, facts (centre and area of each cell, from the H3 library), memberships
-- (the area of each layer that a cell belongs to) and, for each pair, judged_hexagons_PAIR (h3 and
-- what was judged).
-- Writes hexagons.parquet, rows in their order, in the columns of the codebook: see
-- "hexagons.parquet" in docs/development/files.md.
{% from "measures.sql" import figures %}
COPY (
SELECT {{ figures(columns) }}
FROM rolled JOIN facts USING (h3) JOIN memberships USING (h3)
{% for a, b in pairs %}JOIN judged_hexagons_{{ a }}_{{ b }} AS judged_{{ a }}_{{ b }} USING (h3)
{% endfor %}ORDER BY resolution, h3
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000);
