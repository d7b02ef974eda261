// Files that a reader brings: GeoJSON, KML and zipped shapefiles become named polygons. Whatever
// cannot be read is refused with what to do instead.

import shp from "shpjs";
import { MOST_CORNERS } from "./answer.ts";
import { ShapeError } from "./errors.ts";
import type { FileShapes } from "./features.ts";
import { readGeoJson } from "./geojson.ts";
import { shortened } from "./items.ts";
import { readKml } from "./kml.ts";
import { cornersOf } from "./shapes.ts";
import { unpackedBytes } from "./zip.ts";

export const FILE_LIMIT_BYTES = 20_000_000;
export const MOST_FEATURES = 2_000;
export const ACCEPTED = ".geojson,.json,.kml,.zip";

/** Read a file by what it begins with, never past the limit. */
export async function readFile(file: File): Promise<FileShapes> {
  if (file.size > FILE_LIMIT_BYTES) {
    throw new ShapeError("app.custom.error.file_large", { size: file.size, most: FILE_LIMIT_BYTES });
  }
  const stem = file.name.replace(/\.[^.]*$/, "");
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (start[0] === 0x50 && start[1] === 0x4b) {
    return readShapefile(await file.arrayBuffer(), stem);
  }
  return readText(await file.text(), stem);
}

/** Read GeoJSON or KML, told apart by their first sign. */
export function readText(text: string, stem: string): FileShapes {
  const body = text.replace(/^\ufeff/, "").trimStart();
  if (body.startsWith("<")) {
    return limited(readKml(body, stem));
  }
  if (!body.startsWith("{")) {
    throw new ShapeError("app.custom.error.format");
  }
  return limited(readGeoJson(parsed(body), stem));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (err) {
    throw new ShapeError("app.custom.error.json", { reason: reasonOf(err) });
  }
}

async function readShapefile(content: ArrayBuffer, stem: string): Promise<FileShapes> {
  if (unpackedBytes(content) > FILE_LIMIT_BYTES * 5) {
    throw new ShapeError("app.custom.error.file_large", { size: unpackedBytes(content), most: FILE_LIMIT_BYTES * 5 });
  }
  let read: unknown;
  try {
    read = await shp(content);
  } catch (err) {
    throw new ShapeError("app.custom.error.shapefile", { reason: reasonOf(err) });
  }
  const all = (Array.isArray(read) ? read : [read]).map((part) => readGeoJson(part, stem));
  const joined = {
    shapes: all.flatMap(({ shapes }) => shapes),
    skipped: all.reduce((sum, { skipped }) => sum + skipped, 0),
  };
  return limited(joined);
}

function limited(found: FileShapes): FileShapes {
  const { shapes, skipped } = found;
  if (shapes.length === 0) {
    throw new ShapeError(skipped > 0 ? "app.custom.error.no_polygon" : "app.custom.error.nothing", { skipped });
  }
  if (shapes.length > MOST_FEATURES) {
    throw new ShapeError("app.custom.error.features", { count: shapes.length, most: MOST_FEATURES });
  }
  const most = Math.max(...shapes.map(({ polygons }) => cornersOf(polygons)));
  if (shapes.length === 1 && most > MOST_CORNERS) {
    throw new ShapeError("app.custom.error.corners", { corners: most, most: MOST_CORNERS });
  }
  return found;
}

function reasonOf(err: unknown): string {
  return shortened(err instanceof Error ? err.message : String(err));
}
