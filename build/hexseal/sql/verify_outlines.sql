-- Reads a GeoParquet file with DuckDB's own reader. Returns one row: how many outlines are not valid,
-- how many reach out of their box, and how many cells do not hold their own centre.
SELECT count(*) FILTER (WHERE NOT ST_IsValid(geometry)),
    count(*) FILTER (WHERE ST_XMin(geometry) < bbox.xmin OR ST_XMax(geometry) > bbox.xmax
        OR ST_YMin(geometry) < bbox.ymin OR ST_YMax(geometry) > bbox.ymax),
    {% if cells %}count(*) FILTER (WHERE NOT ST_Contains(geometry, ST_Point(lon, lat))){% else %}0{% endif %}
FROM read_parquet($parquet, hive_partitioning = false);
