-- Reads hexagons of two resolutions next to each other. Returns how many coarser cells are not the
-- sum of their children: pixels to the last one, square metres to 1e-3. What a child lacks (its grade
-- is inconclusive) its parent cannot be compared by.
WITH children AS (
    SELECT h3_parent(h3, $resolution) AS h3
        {% for column in pixels + metres %}, CASE WHEN count("{{ column }}") = count(*)
            THEN sum("{{ column }}") END AS "{{ column }}"{% endfor %}
    FROM read_parquet($finer, hive_partitioning = false) GROUP BY 1
)
SELECT count(*)
FROM read_parquet($coarser, hive_partitioning = false) AS parents FULL JOIN children USING (h3)
WHERE parents.valid_pixels IS DISTINCT FROM children.valid_pixels
{% for column in pixels %} OR parents."{{ column }}" IS DISTINCT FROM children."{{ column }}"
{% endfor %}
{% for column in metres %} OR abs(parents."{{ column }}" - children."{{ column }}") > 1e-3
{% endfor %};
