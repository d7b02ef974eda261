-- Reads the table shapes. Returns one row: the extent of all hexagons in shares of the world.
SELECT min(west), min(north), max(east), max(south) FROM shapes;
