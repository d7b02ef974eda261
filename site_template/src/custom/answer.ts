// A shape's answer: the sums of its hexagons, border hexagons weighted by the area inside.

import { ofPair, ofTable, ofYear } from "../shared/columns.ts";
import { ArchiveError } from "../map/archive.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import { ShapeError } from "./errors.ts";
import { intervalOf } from "./noise.ts";
import {
  addShares,
  type CellTable,
  type Partitions,
  PARTITIONS_LIMIT_BYTES,
  placesOf,
} from "./partitions.ts";
import { type CodeCounts, type Pixels, shareOf } from "./pixels.ts";
import { areaOf, boundsOf, cornersOf, findCrossing, MOST_CORNERS, type Point, type Polygon } from "./shapes.ts";
import { breathe } from "./slices.ts";
import { cellWeights, type Weights } from "./weights.ts";

/** Areas that hold fewer whole hexagons than this are answered roughly. */
const FEW_CELLS = 100;

export interface Answer {
  figures: Figures;
  /** The shape itself, in square metres, whether mapped or not. */
  size: number;
  /** Pixels with data of every year. */
  pixels: number;
  /** Hexagons that lie inside as a whole, and those that the border cuts. */
  whole: number;
  cut: number;
  /** How the hexagons on the border were shared out. */
  border: "pixels" | "area";
  /** Part of the shape that counts in every year, 0 to 1. */
  mapped: number;
  /** Part of the shape on land and water with data of every year, free of the noise of counting, 0 to 1. */
  covered: number;
  /** Whether the shape is so small that the border decides. */
  isRough: boolean;
  /** By pair: the part of the shape where a test of the maps fails, above 0. */
  ungraded: Record<string, number>;
}

/** What hexagons add up to: all of them, and by pair those that are inconclusive. */
export interface Sums {
  all: Figures;
  ungraded: Record<string, Figures>;
}

/** Refuse shapes that cannot be measured. */
export function checkShape(polygons: Polygon[]): void {
  const corners = cornersOf(polygons);
  if (corners > MOST_CORNERS) {
    throw new ShapeError("app.custom.error.corners", { corners, most: MOST_CORNERS });
  }
  const [west, south, east, north] = boundsOf(polygons);
  if (!(west >= -360 && east <= 360 && south >= -90 && north <= 90)) {
    throw new ShapeError("app.custom.error.projected", { x: round(west), y: round(south) });
  }
  if (polygons.length === 0 || polygons.some(([outline]) => (outline?.length ?? 0) < 3)) {
    throw new ShapeError("app.custom.error.empty");
  }
  const crossing = findCrossing(polygons);
  if (crossing !== null) {
    const [lng, lat] = crossing.at;
    throw new ShapeError("app.custom.error.crossing", { place: `${lat.toFixed(4)}, ${lng.toFixed(4)}` });
  }
  if (!(areaOf(polygons) > 0)) {
    throw new ShapeError("app.custom.error.empty");
  }
}

/** Add up the hexagons of a shape; raises ShapeError where there are none or too many. */
export async function answer(
  polygons: Polygon[],
  partitions: Partitions,
  pixels: Pixels | null,
  settings: Settings,
): Promise<Answer> {
  checkShape(polygons);
  const parents = partitions.parentsOf(polygons);
  const bytes = partitions.bytesOf(parents);
  if (bytes > PARTITIONS_LIMIT_BYTES) {
    throw new ShapeError("app.custom.error.large", { size: bytes });
  }
  const tables = await Promise.all(parents.map((parent) => partitions.tableOf(parent)));
  const sums: Sums = { all: {}, ungraded: {} };
  let [whole, cut, covered] = [0, 0, 0];
  let border: Answer["border"] = pixels === null ? "area" : "pixels";
  for (const table of tables) {
    await breathe();
    const found = cellWeights(placesOf(table), polygons);
    const inside = [...found.weights.keys()].filter((row) => found.weights[row] === 1);
    addRows(sums, table, inside, () => 1);
    const counts = await countBorder(found, pixels);
    border = counts === null ? "area" : border;
    addBorder(sums, table, found, counts, pixels);
    whole += inside.length;
    cut += found.border.size;
    covered += coveredIn(table, found);
  }
  const valid = sums.all[ofTable("valid_m2")] ?? 0;
  if (valid <= 0) {
    throw new ShapeError(whole + cut > 0 ? "app.custom.error.no_data" : outsideKey(polygons, partitions));
  }
  const size = areaOf(polygons);
  const { figures, ungraded } = judged(sums, settings);
  return {
    figures,
    ungraded,
    size,
    pixels: sums.all[ofTable("valid_pixels")] ?? 0,
    whole,
    cut,
    border,
    mapped: Math.min(1, valid / size),
    covered: Math.min(1, covered / size),
    isRough: border === "area" && whole + cut < FEW_CELLS,
  };
}

/** Return the square metres of a shape that have data, by the area of each hexagon inside. */
function coveredIn({ columns }: CellTable, { weights }: Weights): number {
  const valid = columns[ofTable("valid_m2")] ?? new Float64Array();
  return weights.reduce((sum, weight, row) => (weight > 0 ? sum + weight * valid[row]! : sum), 0);
}

/** Hint at swapped axes where they would bring the shape into the region. */
function outsideKey(polygons: Polygon[], partitions: Partitions): string {
  const swapped = polygons.map((rings) => rings.map((ring) => ring.map(([lng, lat]): Point => [lat, lng])));
  const [, south, , north] = boundsOf(swapped);
  const isPossible = south >= -90 && north <= 90 && partitions.parentsOf(swapped).length > 0;
  return isPossible ? "app.custom.error.swapped" : "app.custom.error.outside";
}

/** Count the pixels of border hexagons; null where pixels cannot be had and area must do. */
async function countBorder({ border }: Weights, pixels: Pixels | null): Promise<CodeCounts[] | null> {
  try {
    return (await pixels?.count([...border.values()])) ?? null;
  } catch (err) {
    if (err instanceof ArchiveError) {
      return null;
    }
    throw err;
  }
}

/** Add rows of a table to all, and those of inconclusive hexagons to what is left out of a pair. */
export function addRows(
  sums: Sums,
  table: CellTable,
  rows: number[],
  shareOf: (row: number, column: string) => number,
): void {
  addShares(sums.all, table, rows, shareOf);
  for (const [pair, flags] of Object.entries(table.ungraded)) {
    const some = rows.filter((row) => flags[row] === 1);
    if (some.length > 0) {
      addShares((sums.ungraded[pair] ??= {}), table, some, shareOf);
    }
  }
}

/** Add border hexagons by the share of their pixels of each kind, or else of their area. */
function addBorder(
  sums: Sums,
  table: CellTable,
  { weights, border }: Weights,
  counts: CodeCounts[] | null,
  pixels: Pixels | null,
): void {
  const rows = [...border.keys()];
  const places = new Map(rows.map((row, place) => [row, place]));
  const tests = pixels?.tests();
  addRows(sums, table, rows, (row, column) => {
    const counted = tests?.get(column);
    const found = counts?.[places.get(row)!];
    const share = counted && found ? shareOf(found, counted) : null;
    return share ?? weights[row]!;
  });
}

/**
 * Return sums with intervals and signals; `lat`, `lon` and the like, which do not add up, are dropped.
 * Hexagons whose own test fails hold no figure of change: those of a shape leave them out and state it
 * (`ungraded`), and there are none where they are too large a part of it.
 */
export function judged(
  sums: Sums,
  settings: Settings,
): { figures: Figures; ungraded: Record<string, number> } {
  const { lat: _lat, lon: _lon, area_m2: _area, valid_pixels: pixels = 0, ...figures } = sums.all;
  const pixel = (figures[ofTable("valid_m2")] ?? 0) / pixels;
  const ungraded: Record<string, number> = {};
  for (const [first, last] of settings.pairs) {
    const pair = `${first}_${last}`;
    const noise = settings.noise[pair];
    if (noise === undefined) {
      continue;
    }
    const left = sums.ungraded[pair] ?? {};
    const share = (left[ofTable("valid_m2")] ?? 0) / (figures[ofTable("valid_m2")] ?? 1);
    if (share > 0 && !noise.is_inconclusive) {
      ungraded[pair] = share;
      figures[`inconclusive_share_${pair}`] = share;
    }
    if (noise.is_inconclusive || share > noise.most_doubtful) {
      delete figures[ofPair("confirmed_m2", pair)];
      delete figures[ofPair("adjusted_m2", pair)];
      figures[ofPair("signal", pair)] = settings.signals.indexOf("inconclusive");
      continue;
    }
    const count = (name: string) => ((figures[name] ?? 0) - (left[name] ?? 0)) / pixel;
    const net = count(ofPair("adjusted_m2", pair));
    const { low, high, isSignal } = intervalOf(
      {
        pixels,
        gain: count(ofPair("new_sealed_m2", pair)),
        loss: count(ofPair("unsealed_m2", pair)),
        confirmed: count(ofPair("confirmed_m2", pair)),
        sealedBefore: count(ofYear("sealed_m2", first)),
        sealedAfter: count(ofYear("sealed_m2", last)),
        net,
      },
      noise,
    );
    figures[ofPair("adjusted_low_m2", pair)] = low * pixel;
    figures[ofPair("adjusted_high_m2", pair)] = high * pixel;
    const signal = isSignal ? (net > 0 ? "gain" : "loss") : "within_noise";
    figures[ofPair("signal", pair)] = settings.signals.indexOf(signal);
  }
  return { figures, ungraded };
}

function round(value: number): number {
  return Math.round(value);
}
