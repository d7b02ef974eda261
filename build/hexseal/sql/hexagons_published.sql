-- Reads the tables rolled, facts (centre and area of each cell, from the H3 library) and, for each
-- pair, judged_hexagons_PAIR (h3 and what was judged).
-- Writes the table hexagons: see "hexagons.parquet" in ARCHITECTURE.md.
{% from "measures.sql" import judged, published %}
CREATE TABLE hexagons AS
SELECT h3, h3_hexadecimal(h3) AS h3_hex, resolution, lat, lon, area_m2,
    {{ published(years, pairs) }}{{ judged(pairs) }}
FROM rolled JOIN facts USING (h3)
{% for a, b in pairs %}JOIN judged_hexagons_{{ a }}_{{ b }} AS j_{{ a }}_{{ b }} USING (h3)
{% endfor %}ORDER BY resolution, h3;
