// Shapes that a reader draws or brings: circles and polygons in degrees, their size and place.

import { timeLimit } from "./slices.ts";

/** [longitude, latitude] in degrees. */
export type Point = [number, number];
/** Corners of a closed line; the first is not repeated. */
export type Ring = Point[];
/** An outline and its holes. */
export type Polygon = Ring[];
export type Bounds = [number, number, number, number];

export type Shape =
  | { kind: "circle"; center: Point; radius: number }
  | { kind: "polygons"; polygons: Polygon[] };

/** Longer outlines are refused: they would keep the page busy for too long. */
export const MOST_CORNERS = 20_000;
const CIRCLE_CORNERS = 128;
/** Mean radius by area of the WGS84 ellipsoid, in metres; H3 measures on a sphere of this size. */
export const RADIUS_M = 6_371_007.18;
/** Squared eccentricity of WGS84. */
const E2 = 0.006_694_379_990_14;
const E = Math.sqrt(E2);
const DEGREE = Math.PI / 180;

export function polygonsOf(shape: Shape): Polygon[] {
  return shape.kind === "polygons" ? shape.polygons : [[circleRing(shape.center, shape.radius)]];
}

/** Return the corners of a circle of `radius` metres, made a little wider so that its area is right. */
export function circleRing([lng, lat]: Point, radius: number): Ring {
  const turn = (2 * Math.PI) / CIRCLE_CORNERS;
  const reach = (radius / RADIUS_M) * Math.sqrt(turn / Math.sin(turn));
  const [sin, cos] = [Math.sin(lat * DEGREE), Math.cos(lat * DEGREE)];
  return Array.from({ length: CIRCLE_CORNERS }, (_, corner): Point => {
    const bearing = corner * turn;
    const y = Math.asin(sin * Math.cos(reach) + cos * Math.sin(reach) * Math.cos(bearing));
    const x = Math.atan2(
      Math.sin(bearing) * Math.sin(reach) * cos,
      Math.cos(reach) - sin * Math.sin(y),
    );
    return [lng + x / DEGREE, y / DEGREE];
  });
}

/** Return the distance of two places in metres, on a sphere. */
export function distance([lngA, latA]: Point, [lngB, latB]: Point): number {
  const half = (degrees: number) => Math.sin((degrees * DEGREE) / 2) ** 2;
  const part =
    half(latB - latA) + Math.cos(latA * DEGREE) * Math.cos(latB * DEGREE) * half(lngB - lngA);
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(part)));
}

export function boundsOf(polygons: Polygon[]): Bounds {
  const bounds: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [lng, lat] of polygons.flat(2) as Point[]) {
    bounds[0] = Math.min(bounds[0], lng);
    bounds[1] = Math.min(bounds[1], lat);
    bounds[2] = Math.max(bounds[2], lng);
    bounds[3] = Math.max(bounds[3], lat);
  }
  return bounds;
}

export function cornersOf(polygons: Polygon[]): number {
  return polygons.flat().reduce((sum, ring) => sum + ring.length, 0);
}

/** Return the area on the ellipsoid in square metres; sides are straight in degrees. */
export function areaOf(polygons: Polygon[]): number {
  return polygons.reduce((sum, [outline = [], ...holes]) => {
    const whole = Math.abs(ringArea(outline));
    return sum + whole - holes.reduce((cut, hole) => cut + Math.abs(ringArea(hole)), 0);
  }, 0);
}

function ringArea(ring: Ring): number {
  let sum = 0;
  ring.forEach(([lng, lat], place) => {
    const [nextLng, nextLat] = ring[(place + 1) % ring.length]!;
    sum += (nextLng - lng) * DEGREE * (authalicSine(lat) + authalicSine(nextLat));
  });
  return (sum / 2) * RADIUS_M ** 2;
}

/** Return the sine of the latitude on the sphere of equal area (Snyder 1987, equations 3-11, 3-12). */
function authalicSine(lat: number): number {
  return authalicPart(Math.sin(lat * DEGREE)) / authalicPart(1);
}

function authalicPart(sine: number): number {
  return (1 - E2) * (sine / (1 - E2 * sine ** 2) + Math.atanh(E * sine) / E);
}

/** Turn outlines counter-clockwise and holes clockwise, so that signed areas of rings add up. */
export function orientedRings(polygons: Polygon[]): Ring[] {
  return polygons.flatMap((rings) =>
    rings.map((ring, place) => {
      const isLeft = planeArea(ring) > 0;
      return isLeft === (place === 0) ? ring : [...ring].reverse();
    }),
  );
}

/** Return the signed area in the plane, positive when corners run counter-clockwise. */
export function planeArea(ring: Ring): number {
  let sum = 0;
  const [first] = ring;
  if (first === undefined) {
    return 0;
  }
  // Reckoned from the first corner: small rings far from 0, 0 keep their digits.
  for (let place = 1; place + 1 < ring.length; place++) {
    const [x, y] = ring[place]!;
    const [nextX, nextY] = ring[place + 1]!;
    sum += (x - first[0]) * (nextY - first[1]) - (nextX - first[0]) * (y - first[1]);
  }
  return sum / 2;
}

export interface Crossing {
  at: Point;
}

/** Return where two sides cross each other, or null; sides that only touch at corners are fine. */
export function findCrossing(polygons: Polygon[]): Crossing | null {
  const sides = polygons.flat().flatMap((ring) =>
    ring.map((from, place) => ({ from, to: ring[(place + 1) % ring.length]! })),
  );
  const left = (side: (typeof sides)[number]) => Math.min(side.from[0], side.to[0]);
  const right = (side: (typeof sides)[number]) => Math.max(side.from[0], side.to[0]);
  sides.sort((one, other) => left(one) - left(other));
  let open: typeof sides = [];
  const inTime = timeLimit();
  for (const side of sides) {
    inTime();
    open = open.filter((other) => right(other) >= left(side));
    for (const other of open) {
      const at = crossingPoint(side.from, side.to, other.from, other.to);
      if (at !== null) {
        return { at };
      }
    }
    open.push(side);
  }
  return null;
}

/** Return where a-b and c-d cross inside both; null for parallels and shared ends. */
function crossingPoint(a: Point, b: Point, c: Point, d: Point): Point | null {
  const low = Math.min(a[1], b[1]);
  const high = Math.max(a[1], b[1]);
  if (Math.max(c[1], d[1]) < low || Math.min(c[1], d[1]) > high) {
    return null;
  }
  const side = (p: Point, q: Point, r: Point) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  if (side(a, b, c) * side(a, b, d) >= 0 || side(c, d, a) * side(c, d, b) >= 0) {
    return null;
  }
  const [x, y] = [b[0] - a[0], b[1] - a[1]];
  const [u, v] = [d[0] - c[0], d[1] - c[1]];
  const along = ((c[0] - a[0]) * v - (c[1] - a[1]) * u) / (x * v - y * u);
  return [a[0] + along * x, a[1] + along * y];
}
