"""Files that are whole or absent, DuckDB connections; nothing here knows land cover."""
