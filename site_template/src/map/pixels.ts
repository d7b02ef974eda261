// Tiles of single pixels hold codes; their colours are put in by replacing the picture's palette.

import { GROUND_CLASSES, PALETTES, type Palette, type ThemeName } from "./palette.ts";
import type { Settings } from "../shared/settings.ts";

/** What a pixel is at a time; the classes of the legend, in its order. */
export type PixelClass = "sealed" | "stable" | "fresh" | "confirmed" | "returned" | "unsealed";
export const YEAR_CLASSES: PixelClass[] = ["sealed", "unsealed"];
export const PAIR_CLASSES: PixelClass[] = ["confirmed", "fresh", "returned", "stable", "unsealed"];

// The palette follows the signature (8 bytes) and the head (25): its length, name, bytes, check.
const PALETTE_AT = 33;

export function pixelColor(palette: Palette, kind: PixelClass): string {
  return kind === "unsealed" ? palette.ground.grass : palette.pixels[kind];
}

/** Return what a code means in a year ("2021") or a pair of years ("2018-2021"). */
export function classOf(settings: Settings, time: string, [sealed, confirmed]: [number, number]): PixelClass {
  const [first = 0, last] = time.split("-").map(Number);
  const isSealed = (year: number) => ((sealed >> settings.years.indexOf(year)) & 1) === 1;
  if (last === undefined) {
    return isSealed(first) ? "sealed" : "unsealed";
  }
  const place = settings.pairs.findIndex((pair) => pair.join("-") === time);
  const [before, after] = [isSealed(first), isSealed(last)];
  if (before && after) {
    return "stable";
  }
  if (after) {
    return ((confirmed >> place) & 1) === 1 ? "confirmed" : "fresh";
  }
  return before ? "returned" : "unsealed";
}

/** Return red, green, blue of every code. */
export function pixelPalette(settings: Settings, theme: ThemeName, time: string): Uint8Array {
  const palette = PALETTES[theme];
  const colors = settings.mapLayers.codes.map((code) => pixelColor(palette, classOf(settings, time, code)));
  return Uint8Array.from(["#000000", palette.ground.water, ...colors].flatMap(channels));
}

/** Return red, green, blue of every class of the ground. */
export function groundPalette(theme: ThemeName): Uint8Array {
  const { ground } = PALETTES[theme];
  return Uint8Array.from(GROUND_CLASSES.flatMap((name) => channels(ground[name])));
}

function channels(color: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

/** Return a picture with another palette of the same length. */
export function recolored(picture: ArrayBuffer, palette: Uint8Array): ArrayBuffer {
  const bytes = new Uint8Array(picture.slice(0));
  const view = new DataView(bytes.buffer);
  const length = view.getUint32(PALETTE_AT);
  if (length !== palette.length || view.getUint32(PALETTE_AT + 4) !== 0x504c5445) {
    throw new Error("a tile of pixels does not hold the palette of this page");
  }
  bytes.set(palette, PALETTE_AT + 8);
  const named = bytes.subarray(PALETTE_AT + 4, PALETTE_AT + 8 + length);
  view.setUint32(PALETTE_AT + 8 + length, crc32(named));
  return bytes.buffer;
}

// PNG specification, third edition, annex D.
function crc32(bytes: Uint8Array): number {
  let check = 0xffffffff;
  for (const byte of bytes) {
    check ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      check = check & 1 ? (check >>> 1) ^ 0xedb88320 : check >>> 1;
    }
  }
  return ~check >>> 0;
}

