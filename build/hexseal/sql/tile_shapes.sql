-- Reads hexagons.parquet, and the Arrow tables outlines (h3, WKB in EPSG:3857) and
-- borders (layer, id, name, WKB in EPSG:3857).
-- Writes the tables shapes and area_shapes with the extent of every outline, in shares of the
-- world's square (0 to 1, y downwards), from which the tiles that it touches follow.
{% macro extent(geom) -%}
    (ST_XMin({{ geom }}) + 20037508.342789244) / 40075016.685578488 AS west,
    (ST_XMax({{ geom }}) + 20037508.342789244) / 40075016.685578488 AS east,
    (20037508.342789244 - ST_YMax({{ geom }})) / 40075016.685578488 AS north,
    (20037508.342789244 - ST_YMin({{ geom }})) / 40075016.685578488 AS south
{%- endmacro %}
CREATE TABLE shapes AS
SELECT h.*, o.geom, {{ extent("o.geom") }}
FROM read_parquet($hexagons) AS h
JOIN (SELECT h3, ST_GeomFromWKB(wkb) AS geom FROM outlines) AS o USING (h3)
ORDER BY h.resolution, h.h3;

CREATE TABLE area_shapes AS
SELECT * EXCLUDE (wkb), {{ extent("geom") }}
FROM (SELECT *, ST_GeomFromWKB(wkb) AS geom FROM borders)
ORDER BY number;
