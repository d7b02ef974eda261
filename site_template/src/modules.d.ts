// build.mjs gives the worker as text.
declare module "maplibre-gl/dist/maplibre-gl-worker.mjs" {
  const text: string;
  export default text;
}

// sql.js ships no types; what is used of it stands in custom/geopackage.ts.
declare module "sql.js/dist/sql-asm-memory-growth.js" {
  import type { Database } from "./custom/geopackage.ts";
  export default function initSqlJs(): Promise<{ Database: new (bytes: Uint8Array) => Database }>;
}
