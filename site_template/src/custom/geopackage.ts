// GeoPackages: the polygons of all layers with their ids and names (OGC 12-128r19, clause 2.1).

import { ShapeError } from "./errors.ts";
import { type FileShapes, idIn, type NamedShape, nameIn, numbered, openRing } from "./features.ts";
import { shortened } from "./items.ts";
import { toDegrees } from "./projection.ts";
import { type Point, type Polygon } from "./shapes.ts";
import { type Cell, SqliteFile } from "./sqlite.ts";

interface Layer {
  table: string;
  geometry: string;
  place: (point: Point) => Point;
}

/** Longitude and latitude that need no conversion: WGS84, ETRS89, and degrees of an unnamed system. */
const DEGREES = [4326, 4258, 0];
const DEEPEST = 4;
/** Bytes of the envelope by its code in the flags of a geometry. */
const ENVELOPES = [0, 32, 48, 48, 64];

export function readGeoPackage(bytes: Uint8Array, stem: string, most: number): FileShapes {
  try {
    const file = new SqliteFile(bytes);
    const layers = layersIn(file);
    const shapes: NamedShape[] = [];
    let skipped = 0;
    for (const layer of layers) {
      for (const row of file.rows(layer.table)) {
        const polygons = polygonsIn(row[layer.geometry], layer.place);
        if (polygons.length === 0 || shapes.length > most) {
          skipped += 1;
          continue;
        }
        const { [layer.geometry]: _, ...properties } = row;
        const name = nameIn(properties) || numbered(layer.table || stem, shapes.length, 2);
        shapes.push({ id: idIn(properties) || String(shapes.length + 1), name, polygons });
      }
    }
    return { shapes, skipped };
  } catch (err) {
    throw err instanceof ShapeError ? err : new ShapeError("app.custom.error.geopackage", { reason: reasonOf(err) });
  }
}

function layersIn(file: SqliteFile): Layer[] {
  const systems = new Map(file.rows("gpkg_spatial_ref_sys").map((row) => [row["srs_id"], row["definition"]]));
  const geometries = new Map(file.rows("gpkg_geometry_columns").map((row) => [row["table_name"], row]));
  const layers = file.rows("gpkg_contents").filter((row) => row["data_type"] === "features");
  return layers.flatMap(({ table_name: name }): Layer[] => {
    const column = geometries.get(name ?? null);
    const system = column?.["srs_id"] ?? null;
    if (column === undefined) {
      return [];
    }
    const place = DEGREES.includes(Number(system)) ? checkedDegrees : toDegrees(String(systems.get(system) ?? system));
    return [{ table: String(name), geometry: String(column["column_name"]), place }];
  });
}

function checkedDegrees([x, y]: Point): Point {
  if (Math.abs(x) > 360 || Math.abs(y) > 90) {
    throw new ShapeError("app.custom.error.projected", { x: Math.round(x), y: Math.round(y) });
  }
  return [x, y];
}

/** Return the polygons of a geometry as GeoPackage keeps it, none for points and lines. */
export function polygonsIn(blob: Cell | undefined, place: (point: Point) => Point): Polygon[] {
  if (!(blob instanceof Uint8Array) || blob.length < 8) {
    return [];
  }
  const flags = blob[3]!;
  const envelope = ENVELOPES[(flags >> 1) & 7];
  const isOther = blob[0] !== 0x47 || blob[1] !== 0x50 || envelope === undefined || (flags & 32) !== 0;
  if (isOther) {
    throw new ShapeError("app.custom.error.geopackage", { reason: "GP" });
  }
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  return (flags & 16) !== 0 ? [] : new Wkb(view, 8 + envelope, place).polygons(0);
}

/** A reader of well-known binary; what runs over the end raises RangeError. */
class Wkb {
  private isLittle = true;

  constructor(
    private readonly view: DataView,
    private at: number,
    private readonly place: (point: Point) => Point,
  ) {}

  polygons(depth: number): Polygon[] {
    this.isLittle = this.view.getUint8(this.at) === 1;
    this.at += 1;
    const code = this.number();
    // Z and M by thousands (ISO) or by high bits, an SRID after the code (EWKB).
    const kind = (code & 0x0fffffff) % 1000;
    const extra = Math.floor((code & 0x0fffffff) / 1000);
    const dimensions = 2 + (extra === 3 ? 2 : Number(extra > 0)) + Number((code & 0x80000000) !== 0) + Number((code & 0x40000000) !== 0);
    if ((code & 0x20000000) !== 0) {
      this.at += 4;
    }
    if (kind === 3) {
      return [this.rings(dimensions)];
    }
    if (kind !== 6 && kind !== 7) {
      return [];
    }
    if (depth > DEEPEST) {
      throw new RangeError("depth");
    }
    const found: Polygon[] = [];
    for (let left = this.number(); left > 0; left--) {
      found.push(...this.polygons(depth + 1));
    }
    return found;
  }

  private rings(dimensions: number): Polygon {
    const rings: Polygon = [];
    for (let left = this.number(); left > 0; left--) {
      const points: Point[] = [];
      for (let corner = this.number(); corner > 0; corner--) {
        points.push(this.place([this.double(0), this.double(8)]));
        this.at += 8 * dimensions;
      }
      rings.push(openRing(points));
    }
    return rings;
  }

  private number(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, this.isLittle);
  }

  private double(offset: number): number {
    return this.view.getFloat64(this.at + offset, this.isLittle);
  }
}

function reasonOf(err: unknown): string {
  return shortened(err instanceof Error ? err.message : String(err));
}
