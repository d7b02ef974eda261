// Named polygons as files hold them, before they are measured.

import { ShapeError } from "./errors.ts";
import { shortened } from "./items.ts";
import { planeArea, type Point, type Polygon, type Ring } from "./shapes.ts";
import { timeLimit } from "./slices.ts";

const NAMES = ["name", "title", "nom", "label", "nuts_name", "id", "code"];
const IDS = ["id", "code", "nuts_id", "lau_id", "gisco_id", "insee_com", "ags", "gid", "fid", "objectid"];

export interface NamedShape {
  /** The file's own, or its number in the file. */
  id: string;
  name: string;
  polygons: Polygon[];
}

/** What a file held; `skipped` features are no polygons. */
export interface FileShapes {
  shapes: NamedShape[];
  skipped: number;
}

export function pointOf(value: unknown): Point {
  const [lng, lat] = Array.isArray(value) ? value : [];
  if (typeof lng !== "number" || typeof lat !== "number" || !Number.isFinite(lng + lat)) {
    throw new ShapeError("app.custom.error.coordinates");
  }
  return [lng, lat];
}

/** Drop the repeated last corner and corners that stand twice in a row. */
export function openRing(points: Point[]): Ring {
  return points.filter((point, place) => {
    const next = points[(place + 1) % points.length]!;
    return points.length === 1 || point[0] !== next[0] || point[1] !== next[1];
  });
}

export function numbered(stem: string, place: number, count: number): string {
  return shortened(count > 1 ? `${stem} ${place + 1}` : stem);
}

/** Return what a feature is called by the usual names of columns, or nothing. */
export function nameIn(properties: Record<string, unknown>): string {
  return firstOf(NAMES, properties);
}

/** Return the id of a feature by the usual names of columns, or nothing. */
export function idIn(properties: Record<string, unknown>): string {
  return firstOf(IDS, properties);
}

function firstOf(names: string[], properties: Record<string, unknown>): string {
  const keys = Object.keys(properties);
  for (const wanted of names) {
    const value = properties[keys.find((key) => key.toLowerCase() === wanted) ?? ""];
    if ((typeof value === "string" && value.trim() !== "") || typeof value === "number") {
      return shortened(String(value));
    }
  }
  return "";
}

/** Sort rings into polygons: outlines run clockwise, holes the other way and inside an outline. */
export function polygonsFrom(rings: Ring[]): Polygon[] {
  const inTime = timeLimit();
  const sized = rings.filter((ring) => ring.length > 2);
  const polygons: Polygon[] = sized.filter((ring) => planeArea(ring) < 0).map((ring) => [ring]);
  for (const hole of sized.filter((ring) => planeArea(ring) >= 0)) {
    inTime();
    const around = polygons.filter(([outline]) => isAround(outline!, hole[0]!));
    const size = (polygon: Polygon) => Math.abs(planeArea(polygon[0]!));
    if (around.length === 0) {
      polygons.push([hole]);
    } else {
      around.reduce((best, other) => (size(other) < size(best) ? other : best)).push(hole);
    }
  }
  return polygons;
}

function isAround(ring: Ring, [x, y]: Point): boolean {
  let isInside = false;
  ring.forEach(([ax, ay], place) => {
    const [bx, by] = ring[(place + 1) % ring.length]!;
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) {
      isInside = !isInside;
    }
  });
  return isInside;
}
