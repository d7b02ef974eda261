-- Reads one table or view. Writes it as CSV with a header, rows in their order.
COPY (SELECT * FROM {{ table }}) TO $path (FORMAT csv, HEADER true);
