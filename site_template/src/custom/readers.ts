// Files that a reader brings: GeoJSON, KML, KMZ, GeoPackages and zipped shapefiles become named
// polygons. Whatever cannot be read is refused with what to do instead.

import { ShapeError } from "./errors.ts";
import type { FileShapes } from "./features.ts";
import { readGeoJson } from "./geojson.ts";
import { readGeoPackage } from "./geopackage.ts";
import { shortened } from "./items.ts";
import { readKml } from "./kml.ts";
import { readShapefile } from "./shapefile.ts";
import { cornersOf, MOST_CORNERS } from "./shapes.ts";
import { unpack, type ZipEntry, zipEntries } from "./zip.ts";

export const FILE_LIMIT_BYTES = 20_000_000;
export const MOST_FEATURES = 2_000;
/** "SQLi", as every SQLite file begins. */
const SQLITE = [0x53, 0x51, 0x4c, 0x69];

/** Read a file by what it begins with, never past the limit. */
export async function readFile(file: File): Promise<FileShapes> {
  if (file.size > FILE_LIMIT_BYTES) {
    throw new ShapeError("app.custom.error.file_large", { size: file.size, most: FILE_LIMIT_BYTES });
  }
  if (file.size === 0) {
    throw new ShapeError("app.custom.error.blank");
  }
  const stem = file.name.replace(/\.[^.]*$/, "");
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  if (start[0] === 0x50 && start[1] === 0x4b) {
    return readArchive(await file.arrayBuffer(), stem);
  }
  if (SQLITE.every((byte, place) => start[place] === byte)) {
    return limited(readGeoPackage(new Uint8Array(await file.arrayBuffer()), stem, MOST_FEATURES));
  }
  return readText(textOf(new Uint8Array(await file.arrayBuffer())), stem);
}

/** Read GeoJSON or KML, distinguished by their first sign. */
export function readText(text: string, stem: string): FileShapes {
  const body = text.replace(/^\ufeff/, "").trimStart();
  if (body.startsWith("<")) {
    return limited(readKml(body, stem));
  }
  if (!/^[{[\x1e]/.test(body)) {
    throw new ShapeError("app.custom.error.format");
  }
  return limited(readGeoJson(parsed(body), stem));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (err) {
    const features = parsedLines(text);
    if (features !== null) {
      return { features };
    }
    throw new ShapeError("app.custom.error.json", { reason: reasonOf(err) });
  }
}

/** Return the features of GeoJSON text sequences, one a line; null for anything else. */
function parsedLines(text: string): unknown[] | null {
  const lines = text.split(/[\r\n\x1e]+/).filter((line) => line.trim() !== "");
  try {
    return lines.length > 1 ? lines.map((line) => JSON.parse(line) as unknown) : null;
  } catch {
    return null;
  }
}

async function readArchive(content: ArrayBuffer, stem: string): Promise<FileShapes> {
  const entries = zipEntries(content);
  const found: FileShapes[] = [];
  let room = FILE_LIMIT_BYTES * 5;
  const open = async (entry: ZipEntry | undefined) => {
    const bytes = entry === undefined ? null : await unpack(entry, room);
    room -= bytes?.length ?? 0;
    return bytes;
  };
  for (const entry of entries) {
    const [, path = "", suffix = ""] = /^(.*)(\.[^./]*)$/.exec(entry.name) ?? [];
    const beside = (wanted: string) =>
      entries.find(({ name }) => name.toLowerCase() === (path + wanted).toLowerCase());
    const title = entries.filter(({ name }) => /\.shp$/i.test(name)).length > 1 ? path.replace(/^.*\//, "") : stem;
    if (/^\.shp$/i.test(suffix)) {
      const [shp, dbf, prj, cpg] = [await open(entry), await open(beside(".dbf")), await open(beside(".prj")), await open(beside(".cpg"))];
      const words = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));
      found.push(readShapefile({ shp: shp!, dbf, prj: words(prj), cpg: words(cpg) ?? "" }, title));
    } else if (/^\.(kml|geojson|json)$/i.test(suffix)) {
      found.push(readText(textOf((await open(entry))!), title));
    }
  }
  if (found.length === 0) {
    throw new ShapeError("app.custom.error.archive");
  }
  return limited({
    shapes: found.flatMap(({ shapes }) => shapes),
    skipped: found.reduce((sum, { skipped }) => sum + skipped, 0),
  });
}

/** Return text in UTF-8, or in UTF-16 where it begins with its mark. */
function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return new TextDecoder(isWide ? (first === 0xff ? "utf-16le" : "utf-16be") : "utf-8").decode(bytes);
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
