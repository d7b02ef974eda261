-- Reads the tables rolled and facts (centre and area of each cell, from the H3 library).
-- Writes the table hexagons: see "hexagons.parquet" in ARCHITECTURE.md.
{% from "measures.sql" import published %}
CREATE TABLE hexagons AS
SELECT h3, h3_hexadecimal(h3) AS h3_hex, resolution, lat, lon, area_m2, {{ published(years, pairs) }}
FROM rolled JOIN facts USING (h3)
ORDER BY resolution, h3;
