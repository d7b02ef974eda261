// H3 cells. Tiles carry the low 52 bits of an index, which fit a number; the resolution and the
// constant mode bits give back the rest.

import { cellToBoundary, cellToLatLng, getHexagonAreaAvg, getResolution, isValidCell } from "h3-js";

const LOW_DIGITS = 13;

export interface Outline {
  type: "Feature";
  properties: Record<string, string>;
  geometry: { type: "Polygon"; coordinates: number[][][] };
}

export function indexOf(lowBits: number, resolution: number): string {
  return `8${resolution.toString(16)}${lowBits.toString(16).padStart(LOW_DIGITS, "0")}`;
}

export function lowBitsOf(index: string): number {
  return Number.parseInt(index.slice(-LOW_DIGITS), 16);
}

export function isCell(text: string): boolean {
  return /^[0-9a-f]{15}$/.test(text) && isValidCell(text);
}

export function resolutionOf(index: string): number {
  return getResolution(index);
}

/** Return [longitude, latitude] of a cell's centre. */
export function centerOf(index: string): [number, number] {
  const [lat, lng] = cellToLatLng(index);
  return [lng, lat];
}

export function meanArea(resolution: number): number {
  return getHexagonAreaAvg(resolution, "m2");
}

/** Return a cell's outline, whole where it crosses the antimeridian. */
export function outlineOf(index: string): Outline {
  const ring = cellToBoundary(index, true);
  const [start] = ring[0] ?? [0];
  const turned = (lng: number) => lng - 360 * Math.round((lng - (start ?? 0)) / 360);
  const whole = ring.map(([lng, lat]) => [turned(lng), lat]);
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [whole] } };
}
