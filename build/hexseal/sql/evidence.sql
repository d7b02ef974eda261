-- Reads evidence_PAIR_cells.parquet, evidence_PAIR_zones.parquet, the tables rolled, areas_counted.
-- Writes evidence_hexagons_PAIR, one row per published cell, and evidence_areas_PAIR, one row per
-- area and one for the whole region: pixels of judged change and of sealed edges.
{% from "measures.sql" import evidence %}
CREATE TABLE evidence_finest AS
SELECT h3, {{ evidence() }} FROM read_parquet($cells, hive_partitioning = false) WHERE state <> 255 GROUP BY h3;

CREATE TABLE evidence_hexagons_{{ pair }} AS
WITH parents AS (
    SELECT h3_parent(f.h3, r.resolution) AS h3, {{ evidence_columns | join(", ") }}
    FROM evidence_finest AS f, (SELECT unnest($resolutions)::UTINYINT AS resolution) AS r
)
SELECT rolled.h3, rolled.resolution, rolled.valid_pixels, rolled.valid_cm2,
    {% for c in evidence_columns %}sum({{ c }})::BIGINT AS {{ c }}{{ ", " if not loop.last }}{% endfor %}
FROM rolled JOIN parents USING (h3)
GROUP BY ALL
ORDER BY rolled.resolution, rolled.h3;

CREATE TABLE evidence_areas_{{ pair }} AS
WITH counted AS (
    SELECT layer, id, {{ evidence() }}
    FROM read_parquet($zones, hive_partitioning = false) WHERE state <> 255 GROUP BY layer, id
    UNION ALL BY NAME
    SELECT 'region' AS layer, $region AS id,
        {% for c in evidence_columns %}sum({{ c }})::BIGINT AS {{ c }}{{ ", " if not loop.last }}{% endfor %}
    FROM evidence_finest
)
SELECT a.position, a.layer, a.id, a.valid_pixels, a.valid_cm2, counted.* EXCLUDE (layer, id)
FROM areas_counted AS a LEFT JOIN counted USING (layer, id)
ORDER BY a.position;

DROP TABLE evidence_finest;
