-- Reads one table. Writes it as a Parquet file, rows in their order.
COPY {{ table }} TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000);
