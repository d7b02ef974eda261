// GeoJSON: the polygons of a collection, a feature or a geometry by itself; and Esri's JSON.

import { ShapeError } from "./errors.ts";
import { type FileShapes, idIn, nameIn, type NamedShape, numbered, openRing, pointOf, polygonsFrom } from "./features.ts";
import { shortened } from "./items.ts";
import type { Polygon } from "./shapes.ts";

export function readGeoJson(read: unknown, stem: string): FileShapes {
  const whole = Array.isArray(read) ? { features: read } : fields(read);
  if (whole["type"] === "Topology") {
    throw new ShapeError("app.custom.error.format");
  }
  refuseEsriSystem(whole);
  const system = fields(fields(whole["crs"])["properties"])["name"];
  if (typeof system === "string" && !/CRS84|::?(4326|4258)$/.test(system)) {
    throw new ShapeError("app.custom.error.system", { system: shortened(system) });
  }
  const features = Array.isArray(whole["features"]) ? whole["features"] : [whole];
  const shapes: NamedShape[] = [];
  let skipped = 0;
  for (const each of features) {
    const feature = fields(each);
    const geometry = "geometry" in feature ? feature["geometry"] : feature;
    const polygons = polygonsIn(geometry, 0);
    if (polygons.length === 0) {
      skipped += 1;
    } else {
      const properties = fields(feature["properties"] ?? feature["attributes"]);
      const name = nameIn(properties) || numbered(stem, shapes.length, features.length);
      const id = idIn(properties) || idIn({ id: feature["id"] }) || String(shapes.length + skipped + 1);
      shapes.push({ id, name, polygons });
    }
  }
  return { shapes, skipped };
}

/** Esri's JSON names its system by a number. */
function refuseEsriSystem(whole: Record<string, unknown>): void {
  const { wkid, latestWkid } = fields(whole["spatialReference"]);
  const code = latestWkid ?? wkid;
  if (code !== undefined && code !== 4326 && code !== 4258) {
    throw new ShapeError("app.custom.error.system", { system: `EPSG:${shortened(String(code))}` });
  }
}

function polygonsIn(geometry: unknown, depth: number): Polygon[] {
  const { type, coordinates, geometries, rings } = fields(geometry);
  if (type === undefined && Array.isArray(rings)) {
    return polygonsFrom(polygonOf(rings));
  }
  if (type === "Polygon") {
    return [polygonOf(coordinates)];
  }
  if (type === "MultiPolygon" && Array.isArray(coordinates)) {
    return coordinates.map(polygonOf);
  }
  if (type === "GeometryCollection" && Array.isArray(geometries) && depth < 8) {
    return geometries.flatMap((part) => polygonsIn(part, depth + 1));
  }
  return [];
}

function polygonOf(rings: unknown): Polygon {
  if (!Array.isArray(rings)) {
    throw new ShapeError("app.custom.error.coordinates");
  }
  return rings.map((ring) => openRing(Array.isArray(ring) ? ring.map(pointOf) : []));
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
