-- Reads the Arrow table borders (number, layer, id, name, WKB in EPSG:3857).
-- Writes the table area_shapes with the extent of every outline in shares of the world's square
-- (0 to 1, y downwards), from which the tiles that it touches follow.
CREATE TABLE area_shapes AS
SELECT * EXCLUDE (wkb),
    (ST_XMin(geom) + 20037508.342789244) / 40075016.685578488 AS west,
    (ST_XMax(geom) + 20037508.342789244) / 40075016.685578488 AS east,
    (20037508.342789244 - ST_YMax(geom)) / 40075016.685578488 AS north,
    (20037508.342789244 - ST_YMin(geom)) / 40075016.685578488 AS south
FROM (SELECT *, ST_GeomFromWKB(wkb) AS geom FROM borders)
ORDER BY number;
