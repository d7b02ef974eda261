// Which part of each hexagon lies inside a shape: exact clipping in the plane of degrees. A
// hexagon is so small that the share of its area is the same there as on the ground.

import { cellToBoundary } from "h3-js";
import { ShapeError } from "./errors.ts";
import type { BorderCell } from "./pixels.ts";
import { boundsOf, orientedRings, planeArea, type Bounds, type Point, type Polygon, type Ring } from "./shapes.ts";
import { timeLimit } from "./slices.ts";

/** Cells by their centres in degrees; `reach` is how far a corner may lie from the centre, in degrees. */
export interface CellPlaces {
  index: string[];
  lng: Float64Array;
  lat: Float64Array;
  reach: Point;
}

// Fewer cells than this are clipped one by one.
const LEAF = 4;
// Rounding of areas; a thousandth of a square metre of a hexagon.
const NEARLY = 1e-9;
const OVERLAP = 1e-6;

export interface Weights {
  /** For each cell the part of its area that lies inside, 0 to 1. */
  weights: Float64Array;
  /** The cells that a border cuts, with the part of the shape in each. */
  border: Map<number, BorderCell>;
}

/** Return which part of each cell lies inside; raises ShapeError where parts of a shape overlap. */
export function cellWeights(cells: CellPlaces, polygons: Polygon[]): Weights {
  const border = new Map<number, BorderCell>();
  const weights = new Float64Array(cells.index.length);
  const rings = orientedRings(polygons).map((ring) => near(ring, cells.lng[0] ?? 0));
  const all = cellsNear(cells, boundsOf([rings]));
  const inTime = timeLimit();
  const divide = (members: number[], parts: Ring[]): void => {
    inTime();
    const box = extentOf(cells, members);
    const inside = clipToBox(parts, box);
    const full = (box[2] - box[0]) * (box[3] - box[1]);
    const covered = sumOfAreas(inside);
    if (inside.length === 0) {
      return;
    }
    refuseOverlap(covered / full);
    if (Math.abs(covered - full) <= NEARLY * full) {
      members.forEach((cell) => (weights[cell] = 1));
    } else if (members.length <= LEAF) {
      for (const cell of members) {
        const part = partInside(cells, cell, inside);
        weights[cell] = part.share;
        if (part.share > 0 && part.share < 1) {
          border.set(cell, part);
        }
      }
    } else {
      const isWide = (box[2] - box[0]) / cells.reach[0] > (box[3] - box[1]) / cells.reach[1];
      const along = isWide ? cells.lng : cells.lat;
      const sorted = [...members].sort((one, other) => along[one]! - along[other]!);
      const half = sorted.length >> 1;
      divide(sorted.slice(0, half), inside);
      divide(sorted.slice(half), inside);
    }
  };
  if (all.length > 0) {
    divide(all, rings);
  }
  return { weights, border };
}

/** Return the cells that may reach into a box: most shapes are small beside a file of hexagons. */
function cellsNear({ lng, lat, reach }: CellPlaces, [west, south, east, north]: Bounds): number[] {
  const found: number[] = [];
  for (let cell = 0; cell < lng.length; cell++) {
    const [x, y] = [lng[cell]!, lat[cell]!];
    if (x + reach[0] > west && x - reach[0] < east && y + reach[1] > south && y - reach[1] < north) {
      found.push(cell);
    }
  }
  return found;
}

/** Return whether a shape reaches into a convex ring, such as a hexagon. */
export function meets(polygons: Polygon[], convex: Ring): boolean {
  const rings = orientedRings(polygons).map((ring) => near(ring, convex[0]?.[0] ?? 0));
  return sumOfAreas(clipToConvex(rings, convex)) > 0;
}

/** Return a cell's outline, stretched from its centre by a factor. */
export function hexagonRing(index: string, factor = 1): Ring {
  const closed = cellToBoundary(index, true) as Point[];
  const [start] = closed[0]!;
  const ring = closed.slice(0, -1).map(([lng, lat]): Point => [turned(lng, start), lat]);
  const middle = (axis: 0 | 1) => ring.reduce((sum, point) => sum + point[axis], 0) / ring.length;
  const [x, y] = [middle(0), middle(1)];
  return ring.map(([lng, lat]) => [x + (lng - x) * factor, y + (lat - y) * factor]);
}

/** Return a longitude within half a turn of another. */
export function turned(lng: number, other: number): number {
  return lng - 360 * Math.round((lng - other) / 360);
}

/** Return a ring on the turn of the Earth that a longitude is on, by the middle of the ring. */
function near(ring: Ring, lng: number): Ring {
  const [west, , east] = boundsOf([[ring]]);
  const middle = (west + east) / 2;
  const shift = ring.length > 0 ? turned(middle, lng) - middle : 0;
  return shift === 0 ? ring : ring.map(([x, y]) => [x + shift, y]);
}

function partInside(
  cells: CellPlaces,
  cell: number,
  rings: Ring[],
): BorderCell & { share: number } {
  const hexagon = hexagonRing(cells.index[cell]!);
  const shift = turned(hexagon[0]![0], cells.lng[cell]!) - hexagon[0]![0];
  const outline = hexagon.map(([lng, lat]): Point => [lng + shift, lat]);
  const inside = clipToConvex(rings, outline);
  const share = sumOfAreas(inside) / Math.abs(planeArea(outline));
  refuseOverlap(share);
  const isWhole = share > 1 - NEARLY;
  return { outline, inside, share: share < NEARLY ? 0 : isWhole ? 1 : share };
}

/** More than all of a place can only be inside where parts of a shape overlap. */
function refuseOverlap(share: number): void {
  if (share > 1 + OVERLAP) {
    throw new ShapeError("app.custom.error.overlap");
  }
}

function extentOf({ lng, lat, reach }: CellPlaces, members: number[]): Bounds {
  const box: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const cell of members) {
    box[0] = Math.min(box[0], lng[cell]! - reach[0]);
    box[1] = Math.min(box[1], lat[cell]! - reach[1]);
    box[2] = Math.max(box[2], lng[cell]! + reach[0]);
    box[3] = Math.max(box[3], lat[cell]! + reach[1]);
  }
  return box;
}

function sumOfAreas(rings: Ring[]): number {
  return rings.reduce((sum, ring) => sum + planeArea(ring), 0);
}

function clipToBox(rings: Ring[], [west, south, east, north]: Bounds): Ring[] {
  return clipToConvex(rings, [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
  ]);
}

/**
 * Cut rings along each side of a convex ring (Sutherland and Hodgman 1974). Where a ring falls
 * apart, its parts stay joined by sides that run to and fro: the signed area is exact.
 */
function clipToConvex(rings: Ring[], convex: Ring): Ring[] {
  const isLeft = planeArea(convex) > 0;
  let parts = rings;
  convex.forEach((from, place) => {
    const to = convex[(place + 1) % convex.length]!;
    const [a, b] = isLeft ? [from, to] : [to, from];
    parts = parts.flatMap((ring) => {
      const cut = clipToSide(ring, a, b);
      return cut.length > 2 ? [cut] : [];
    });
  });
  return parts;
}

/** Return the part of a ring to the left of the line from a to b. */
function clipToSide(ring: Ring, a: Point, b: Point): Ring {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const height = ([x, y]: Point) => dx * (y - a[1]) - dy * (x - a[0]);
  const kept: Ring = [];
  let last = ring[ring.length - 1]!;
  let lastHeight = height(last);
  for (const point of ring) {
    const pointHeight = height(point);
    if (pointHeight >= 0 !== lastHeight >= 0) {
      const along = lastHeight / (lastHeight - pointHeight);
      kept.push([last[0] + along * (point[0] - last[0]), last[1] + along * (point[1] - last[1])]);
    }
    if (pointHeight >= 0) {
      kept.push(point);
    }
    last = point;
    lastHeight = pointHeight;
  }
  return kept;
}
