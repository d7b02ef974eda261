// Named polygons as files hold them, before they are measured.

import { ShapeError } from "./errors.ts";
import { shortened } from "./items.ts";
import type { Point, Polygon, Ring } from "./shapes.ts";

export interface NamedShape {
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
