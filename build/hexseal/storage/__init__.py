"""Files that are whole or absent, DuckDB connections; nothing here is about land cover."""
