// Shapefiles: the polygons of a .shp with the names of its .dbf, brought to degrees by its .prj.

import { readTable } from "./dbf.ts";
import { ShapeError } from "./errors.ts";
import { type FileShapes, idIn, type NamedShape, nameIn, numbered, openRing, polygonsFrom } from "./features.ts";
import { toDegrees } from "./projection.ts";
import { boundsOf, type Point, type Ring } from "./shapes.ts";

/** The files of one shapefile; those that are missing are null. */
export interface ShapefileParts {
  shp: Uint8Array;
  dbf: Uint8Array | null;
  prj: string | null;
  cpg: string;
}

const HEAD_BYTES = 100;
const MAGIC = 9994;
const NULL_SHAPE = 0;
/** Polygon, PolygonZ and PolygonM. */
const POLYGONS = [5, 15, 25];

export function readShapefile(parts: ShapefileParts, stem: string): FileShapes {
  const rows = parts.dbf === null ? [] : readTable(parts.dbf, parts.cpg);
  const records = recordsIn(parts.shp);
  const place = placing(parts.prj, records);
  const shapes: NamedShape[] = [];
  let skipped = 0;
  records.forEach((rings, row) => {
    if (rings === null || rings.length === 0) {
      skipped += 1;
      return;
    }
    const polygons = polygonsFrom(rings.map((ring) => openRing(ring.map(place))));
    const properties = rows[row] ?? {};
    const name = nameIn(properties) || numbered(stem, shapes.length, records.length);
    shapes.push({ id: idIn(properties) || String(row + 1), name, polygons });
  });
  return { shapes, skipped };
}

/** Return how coordinates become degrees; without a .prj they must be degrees already. */
function placing(prj: string | null, records: (Ring[] | null)[]): (point: Point) => Point {
  if (prj !== null && prj.trim() !== "") {
    return toDegrees(prj);
  }
  const [west, south, east, north] = boundsOf(records.flatMap((rings) => (rings === null ? [] : [rings])));
  if (west < -360 || east > 360 || south < -90 || north > 90) {
    throw new ShapeError("app.custom.error.projected", { x: Math.round(west), y: Math.round(south) });
  }
  return (point) => point;
}

/** Return the rings of every record, null where it is no polygon. */
function recordsIn(bytes: Uint8Array): (Ring[] | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < HEAD_BYTES || view.getInt32(0) !== MAGIC) {
    throw broken(".shp");
  }
  const records: (Ring[] | null)[] = [];
  let place = HEAD_BYTES;
  while (place + 12 <= bytes.length) {
    const length = 2 * view.getInt32(place + 4);
    if (length < 4 || place + 8 + length > bytes.length) {
      throw broken(".shp");
    }
    records.push(ringsAt(view, place + 8, length));
    place += 8 + length;
  }
  return records;
}

function ringsAt(view: DataView, start: number, length: number): Ring[] | null {
  const type = view.getInt32(start, true);
  if (type === NULL_SHAPE || !POLYGONS.includes(type)) {
    return null;
  }
  const [parts, points] = length < 44 ? [-1, -1] : [view.getInt32(start + 36, true), view.getInt32(start + 40, true)];
  const first = start + 44 + 4 * parts;
  if (parts < 0 || points < 0 || first + 16 * points > start + length) {
    throw broken(".shp");
  }
  const starts = Array.from({ length: parts }, (_, part) => view.getInt32(start + 44 + 4 * part, true));
  return starts.map((from, part) => {
    const to = starts[part + 1] ?? points;
    if (from < 0 || to < from || to > points) {
      throw broken(".shp");
    }
    return Array.from({ length: to - from }, (_, corner): Point => {
      const at = first + 16 * (from + corner);
      return [view.getFloat64(at, true), view.getFloat64(at + 8, true)];
    });
  });
}

function broken(part: string): ShapeError {
  return new ShapeError("app.custom.error.shapefile", { reason: part });
}
