-- Reads the table dataset of hexagons. Returns its rows along a Hilbert curve over their centres,
-- so that neighbours stand in the same row group.
SELECT dataset.* FROM dataset, (
    SELECT {'min_x': min(lon), 'min_y': min(lat), 'max_x': max(lon), 'max_y': max(lat)}::BOX_2D AS box
    FROM dataset
)
ORDER BY ST_Hilbert(lon, lat, box), h3;
