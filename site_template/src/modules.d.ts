// Reads a zipped shapefile and brings it to WGS84.
declare module "shpjs" {
  export default function read(zip: ArrayBuffer): Promise<unknown>;
}

// build.mjs gives the worker as text.
declare module "maplibre-gl/dist/maplibre-gl-worker.mjs" {
  const text: string;
  export default text;
}
