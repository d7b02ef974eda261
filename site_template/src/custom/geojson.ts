// GeoJSON: the polygons of a collection, a feature or a geometry by itself.

import { ShapeError } from "./errors.ts";
import { type FileShapes, type NamedShape, numbered, openRing, pointOf } from "./features.ts";
import { shortened } from "./items.ts";
import type { Polygon } from "./shapes.ts";

const NAMES = ["name", "title", "nom", "label", "nuts_name", "id", "code"];

export function readGeoJson(read: unknown, stem: string): FileShapes {
  const whole = fields(read);
  const system = fields(fields(whole["crs"])["properties"])["name"];
  if (typeof system === "string" && !/CRS84|::?(4326|4258)$/.test(system)) {
    throw new ShapeError("app.custom.error.system", { system: shortened(system) });
  }
  const features = Array.isArray(whole["features"]) ? whole["features"] : [whole];
  const shapes: NamedShape[] = [];
  let skipped = 0;
  for (const each of features) {
    const feature = fields(each);
    const geometry = feature["type"] === "Feature" ? feature["geometry"] : feature;
    const polygons = polygonsIn(geometry, 0);
    if (polygons.length === 0) {
      skipped += 1;
    } else {
      const given = nameIn(fields(feature["properties"]));
      shapes.push({ name: given || numbered(stem, shapes.length, features.length), polygons });
    }
  }
  return { shapes, skipped };
}

function polygonsIn(geometry: unknown, depth: number): Polygon[] {
  const { type, coordinates, geometries } = fields(geometry);
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

function nameIn(properties: Record<string, unknown>): string {
  const keys = Object.keys(properties);
  for (const wanted of NAMES) {
    const value = properties[keys.find((key) => key.toLowerCase() === wanted) ?? ""];
    if ((typeof value === "string" && value.trim() !== "") || typeof value === "number") {
      return shortened(String(value));
    }
  }
  return "";
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
