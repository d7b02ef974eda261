// SQLite as a script of its own: loaded when the first GeoPackage is opened. Compiled to JavaScript,
// not to WebAssembly, which the pages' policy does not allow.

import initSqlJs from "sql.js/dist/sql-asm-memory-growth.js";

globalThis.hexsealSqlite = async () => {
  const { Database } = await initSqlJs();
  return (bytes) => new Database(bytes);
};
