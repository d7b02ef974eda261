// Shapes whose rings are not as they should be: parts inside or on top of other parts, holes that
// lie outside their outline or around it. What is clear is put right; the rest is refused.

import { ShapeError } from "./errors.ts";
import { areaOf, boundsOf, type Bounds, type Point, type Polygon, type Ring } from "./shapes.ts";
import { timeLimit } from "./slices.ts";

/** Closer than this to a side, in degrees, a point lies on it: a tenth of a millimetre. */
const ON_SIDE = 1e-9;
/** A side between places this far east and west crosses 180 degrees, not the rest of the Earth. */
const NEAR_180 = 150;

interface Part {
  polygon: Polygon;
  bounds: Bounds;
  size: number;
}

/** Return parts that do not share area; raises ShapeError where two cut into each other. */
export function tidied(polygons: Polygon[]): Polygon[] {
  const parts = polygons
    .map((rings) => rings.map(unwrapped))
    .flatMap(rearranged)
    .map((polygon): Part => ({ polygon, bounds: boundsOf([polygon]), size: areaOf([polygon]) }))
    .sort((one, other) => other.size - one.size);
  const kept: Part[] = [];
  const inTime = timeLimit();
  for (const part of parts) {
    inTime();
    const touched = kept.filter(({ bounds }) => meet(bounds, part.bounds));
    const around = touched.filter((other) => shareArea(other, part));
    if (around.some((other) => !holds(other, part))) {
      throw new ShapeError("app.custom.error.overlap");
    }
    if (around.length === 0) {
      kept.push(part);
    }
  }
  return kept.map(({ polygon }) => polygon);
}

/**
 * Return a ring whose sides from 179 to -179 and the like run the short way, past 180 degrees. Sides
 * between other places run as they are drawn, however long (RFC 7946, section 3.1.9).
 */
function unwrapped(ring: Ring): Ring {
  let turn = 0;
  const turns = ring.map(([lng], place) => {
    const before = ring[place - 1]?.[0] ?? lng;
    turn += crossing(before, lng);
    return turn;
  });
  const closing = crossing(ring.at(-1)?.[0] ?? 0, ring[0]?.[0] ?? 0);
  if (turn + closing !== 0 || turns.every((each) => each === 0)) {
    return ring;
  }
  const least = Math.min(...turns);
  return ring.map(([lng, lat], place): Point => [lng + 360 * (turns[place]! - least), lat]);
}

/** 1 where a side crosses 180 degrees eastwards, -1 westwards, 0 where it does not. */
function crossing(from: number, to: number): number {
  const step = to - from;
  const isFar = Math.min(Math.abs(from), Math.abs(to)) >= NEAR_180;
  return isFar && Math.abs(step) > 180 && Math.abs(step) < 360 ? -Math.sign(step) : 0;
}

/** Return a polygon whose holes lie inside: others become parts, or the outline. */
function rearranged(polygon: Polygon): Polygon[] {
  const [outline = [], ...holes] = polygon;
  const inner: Ring[] = [];
  const others: Polygon[] = [];
  const inTime = timeLimit();
  let around: Ring | null = null;
  for (const hole of holes) {
    inTime();
    const sides = hole.map((corner) => sideOf(corner, outline));
    if (hole.length < 3 || sides.some((side) => side > 0) || sides.every((side) => side === 0)) {
      inner.push(hole);
    } else if (outline.every((corner) => sideOf(corner, hole) >= 0)) {
      around ??= hole;
    } else {
      others.push([hole]);
    }
  }
  if (around === null) {
    return [[outline, ...inner], ...others];
  }
  // What lies inside the hole of the true outline is a part again.
  return [[around, outline], ...inner.map((ring): Polygon => [ring]), ...others];
}

function shareArea(one: Part, other: Part): boolean {
  const within = (part: Part, probes: Point[]) =>
    probes.some((point) => isIn(point, part.bounds) && sideOfPolygon(point, part.polygon) > 0);
  return (
    within(one, [...probesOf(other.polygon), innerPoint(other.polygon)]) ||
    within(other, [...probesOf(one.polygon), innerPoint(one.polygon)])
  );
}

/** Whether `other` lies in `one` as a whole. */
function holds(one: Part, other: Part): boolean {
  const isAround = probesOf(other.polygon).every((point) => sideOfPolygon(point, one.polygon) >= 0);
  const cuts = probesOf(one.polygon).some(
    (point) => isIn(point, other.bounds) && sideOfPolygon(point, other.polygon) > 0,
  );
  return isAround && !cuts;
}

/** Corners and the middles of sides. */
function probesOf(polygon: Polygon): Point[] {
  return polygon.flatMap((ring) =>
    ring.flatMap((corner, place): Point[] => {
      const next = ring[(place + 1) % ring.length]!;
      return [corner, [(corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2]];
    }),
  );
}

/** Return a point well inside: the middle of the widest stretch of a line across. */
function innerPoint(polygon: Polygon): Point {
  const lats = [...new Set(polygon.flat().map(([, lat]) => lat))].sort((one, other) => one - other);
  const steps = lats.slice(1).map((lat, place) => ({ middle: (lat + lats[place]!) / 2, height: lat - lats[place]! }));
  const level = steps.reduce((best, step) => (step.height > best.height ? step : best), { middle: NaN, height: -1 }).middle;
  const cuts = polygon
    .flatMap((ring) =>
      ring.flatMap((from, place): number[] => {
        const to = ring[(place + 1) % ring.length]!;
        const crosses = from[1] > level !== to[1] > level;
        return crosses ? [from[0] + ((level - from[1]) / (to[1] - from[1])) * (to[0] - from[0])] : [];
      }),
    )
    .sort((one, other) => one - other);
  let [best, wide] = [NaN, -1];
  for (let place = 0; place + 1 < cuts.length; place += 2) {
    const [left, right] = [cuts[place]!, cuts[place + 1]!];
    if (right - left > wide) {
      [best, wide] = [(left + right) / 2, right - left];
    }
  }
  return [best, level];
}

/** 1 inside, 0 on the border, -1 outside. */
function sideOfPolygon(point: Point, [outline = [], ...holes]: Polygon): number {
  const side = sideOf(point, outline);
  if (side <= 0) {
    return side;
  }
  const inHoles = holes.map((hole) => sideOf(point, hole));
  return inHoles.includes(1) ? -1 : inHoles.includes(0) ? 0 : 1;
}

function sideOf([x, y]: Point, ring: Ring): number {
  let isInside = false;
  for (let place = 0; place < ring.length; place++) {
    const [ax, ay] = ring[place]!;
    const [bx, by] = ring[(place + 1) % ring.length]!;
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy;
    const along = length > 0 ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
    if (Math.abs(x - ax - along * dx) < ON_SIDE && Math.abs(y - ay - along * dy) < ON_SIDE) {
      return 0;
    }
    if (ay > y !== by > y && x < ax + ((y - ay) / dy) * dx) {
      isInside = !isInside;
    }
  }
  return isInside ? 1 : -1;
}

function isIn([x, y]: Point, [west, south, east, north]: Bounds): boolean {
  return x >= west && x <= east && y >= south && y <= north;
}

function meet(one: Bounds, other: Bounds): boolean {
  return one[0] <= other[2] && one[2] >= other[0] && one[1] <= other[3] && one[3] >= other[1];
}
