-- Reads nothing, writes nothing: arithmetic on H3 indexes.
-- The parent at resolution r: the resolution's four bits replaced, the finer digits set to 7.
CREATE MACRO h3_parent(cell, r) AS
    (cell & ~(15::UBIGINT << 52)) | (r::UBIGINT << 52) | ((1::UBIGINT << (45 - 3 * r)::UBIGINT) - 1);
CREATE MACRO h3_resolution(cell) AS ((cell >> 52) & 15)::UTINYINT;
CREATE MACRO h3_low_bits(cell) AS (cell & ((1::UBIGINT << 52) - 1))::BIGINT;
CREATE MACRO h3_hexadecimal(cell) AS lower(to_hex(cell));
