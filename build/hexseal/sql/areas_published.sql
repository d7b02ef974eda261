-- Reads the tables areas_counted, stocks (position, sealed area corrected for map errors) and, for
-- each pair, judged_areas_PAIR (position and what was judged).
-- Writes the table areas: see "areas.parquet" in ARCHITECTURE.md.
{% from "measures.sql" import judged, published %}
{% from "indicators.sql" import change_indicators, stock_indicators %}
CREATE TABLE areas AS
WITH told AS (
    SELECT position, layer, id, name, population, populations,
        {{ published(years, pairs) }}{{ judged(pairs) }},
        stocks.* EXCLUDE (position)
    FROM areas_counted
    LEFT JOIN stocks USING (position)
    {% for a, b in pairs %}LEFT JOIN judged_areas_{{ a }}_{{ b }} AS j_{{ a }}_{{ b }} USING (position)
    {% endfor %}
)
SELECT * EXCLUDE (position, populations){{ stock_indicators(years, pairs) }}{{ change_indicators(pairs) }}
FROM told
ORDER BY position;
