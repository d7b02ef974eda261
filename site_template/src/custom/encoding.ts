// Shapes as part of an address: corners as differences in steps of 0.00001° (about 1 m), written
// as Google's "encoded polyline" does, and safe inside a fragment.

import { type Point, type Polygon, type Ring, type Shape } from "./shapes.ts";

const STEPS_PER_DEGREE = 100_000;
// Of the polyline's alphabet, those signs that need no escape in an address.
const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const RING = ".";
const POLYGON = "*";
/** Longer addresses get lost in mails and chats. */
export const LONGEST = 6_000;

export function encodeShape(shape: Shape): string {
  if (shape.kind === "circle") {
    return `c${encodeRing([shape.center])}${encodeNumber(Math.round(shape.radius))}`;
  }
  return `p${shape.polygons.map((rings) => rings.map(encodeRing).join(RING)).join(POLYGON)}`;
}

/** Read a shape; null for anything that `encodeShape` does not write. */
export function decodeShape(text: string): Shape | null {
  if (text.startsWith("c")) {
    const [x, y, radius] = decodeNumbers(text.slice(1)) ?? [];
    return x === undefined || y === undefined || radius === undefined || radius <= 0
      ? null
      : { kind: "circle", center: [x / STEPS_PER_DEGREE, y / STEPS_PER_DEGREE], radius };
  }
  if (!text.startsWith("p")) {
    return null;
  }
  const polygons: Polygon[] = [];
  for (const part of text.slice(1).split(POLYGON)) {
    const rings = part.split(RING).map(decodeRing);
    if (rings.some((ring) => ring === null || ring.length < 3)) {
      return null;
    }
    polygons.push(rings as Ring[]);
  }
  return { kind: "polygons", polygons };
}

/** Return a shape as its address gives it back: corners on the grid, none twice in a row. */
export function rounded(shape: Shape): Shape {
  const snap = ([lng, lat]: Point): Point => [
    Math.round(lng * STEPS_PER_DEGREE) / STEPS_PER_DEGREE,
    Math.round(lat * STEPS_PER_DEGREE) / STEPS_PER_DEGREE,
  ];
  if (shape.kind === "circle") {
    return { ...shape, center: snap(shape.center), radius: Math.max(1, Math.round(shape.radius)) };
  }
  const thinned = (ring: Ring) => {
    const points = ring.map(snap);
    return points.filter((point, place) => {
      const [x, y] = points[(place + 1) % points.length]!;
      return point[0] !== x || point[1] !== y;
    });
  };
  const polygons = shape.polygons
    .map((rings) => rings.map(thinned).filter((ring) => ring.length > 2))
    .filter((rings) => rings.length > 0);
  return { kind: "polygons", polygons };
}

function encodeRing(ring: Ring): string {
  let [x, y] = [0, 0];
  return ring
    .map(([lng, lat]) => {
      const [nextX, nextY] = [lng, lat].map((degrees) => Math.round(degrees * STEPS_PER_DEGREE));
      const written = encodeNumber(nextX! - x) + encodeNumber(nextY! - y);
      [x, y] = [nextX!, nextY!];
      return written;
    })
    .join("");
}

function decodeRing(text: string): Ring | null {
  const steps = decodeNumbers(text);
  if (steps === null || steps.length % 2 === 1) {
    return null;
  }
  const ring: Ring = [];
  let [x, y] = [0, 0];
  for (let place = 0; place < steps.length; place += 2) {
    x += steps[place]!;
    y += steps[place + 1]!;
    ring.push([x / STEPS_PER_DEGREE, y / STEPS_PER_DEGREE]);
  }
  const sane = ring.every(([lng, lat]) => Math.abs(lng) <= 360 && Math.abs(lat) <= 90);
  return sane ? ring : null;
}

/** Five bits a sign, lowest first; the sixth marks that more follow. The sign sits in the last bit. */
function encodeNumber(value: number): string {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let text = "";
  while (rest >= 32) {
    text += SIGNS[32 + (rest % 32)];
    rest = Math.floor(rest / 32);
  }
  return text + SIGNS[rest];
}

function decodeNumbers(text: string): number[] | null {
  const numbers: number[] = [];
  let [value, factor] = [0, 1];
  for (const sign of text) {
    const digit = SIGNS.indexOf(sign);
    if (digit < 0 || factor > 32 ** 8) {
      return null;
    }
    value += (digit % 32) * factor;
    factor *= 32;
    if (digit < 32) {
      numbers.push(value % 2 === 1 ? -(value + 1) / 2 : value / 2);
      [value, factor] = [0, 1];
    }
  }
  return factor === 1 ? numbers : null;
}
