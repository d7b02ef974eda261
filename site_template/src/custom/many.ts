// A file of many areas: each is measured in turn and keeps its row, whatever its answer.

import type { Settings } from "../shared/settings.ts";
import { type Answer, answer, checkShape } from "./answer.ts";
import { ShapeError } from "./errors.ts";
import type { NamedShape } from "./features.ts";
import type { Partitions } from "./partitions.ts";
import { tidied } from "./parts.ts";
import type { Pixels } from "./pixels.ts";
import { answerOf, type AreaRow, type RowAnswer } from "./rows.ts";
import { boundsOf, type Polygon } from "./shapes.ts";
import { breathe } from "./slices.ts";

export interface Sources {
  partitions: Partitions;
  pixels: Pixels | null;
  settings: Settings;
  explain: (err: unknown) => string;
}

const OUTSIDE = ["app.custom.error.outside", "app.custom.error.swapped"];
const NO_DATA = "app.custom.error.no_data";

/** Measure every shape; `found` gets each row with its place in the file. Ends early when aborted. */
export async function measureAll(
  shapes: NamedShape[],
  sources: Sources,
  signal: AbortSignal,
  found: (place: number, row: AreaRow) => void,
): Promise<void> {
  for (const place of walk(shapes)) {
    const row = await measured(shapes[place]!, sources);
    await breathe();
    if (signal.aborted) {
      return;
    }
    found(place, row);
  }
}

async function measured({ id, name, polygons: given }: NamedShape, sources: Sources): Promise<AreaRow> {
  const plain = { id, name, polygons: given, problem: "", isRepaired: false, found: null };
  try {
    const polygons = tidied(given);
    checkShape(polygons);
    const { partitions, pixels, settings } = sources;
    const found: Answer = await answer(polygons, partitions, pixels, settings);
    const isRepaired = isOther(given, polygons);
    return { ...plain, polygons, isRepaired, found, answer: answerOf(found, polygons) };
  } catch (err) {
    const known = answerFor(err);
    return { ...plain, answer: known, problem: known === "not measured" ? sources.explain(err) : "" };
  }
}

function answerFor(err: unknown): RowAnswer {
  const key = err instanceof ShapeError ? err.key : "";
  return OUTSIDE.includes(key) ? "outside" : key === NO_DATA ? "no valid pixel" : "not measured";
}

/** Whether parts or holes were put right. */
function isOther(before: Polygon[], after: Polygon[]): boolean {
  const outlines = new Set(before.map(([outline]) => outline));
  return before.flat().length !== after.flat().length || after.some(([outline]) => !outlines.has(outline));
}

/** Return the places of shapes so that neighbours follow each other: they need the same files. */
export function walk(shapes: NamedShape[]): number[] {
  const centers = shapes.map(({ polygons }) => {
    const [west, south, east, north] = boundsOf(polygons);
    return [(west + east) / 2, (south + north) / 2] as const;
  });
  const lats = centers.map(([, lat]) => lat).filter(Number.isFinite);
  const [low, high] = [lats.reduce((a, b) => Math.min(a, b), 90), lats.reduce((a, b) => Math.max(a, b), -90)];
  const strips = Math.ceil(Math.sqrt(shapes.length));
  const height = Math.max(1e-9, (high - low) / strips);
  const strip = (place: number) => Math.min(strips - 1, Math.floor((centers[place]![1] - low) / height)) || 0;
  return shapes
    .map((_, place) => place)
    .sort((one, other) => {
      const [a, b] = [strip(one), strip(other)];
      const east = (centers[one]![0] - centers[other]![0]) || 0;
      return a - b || (a % 2 === 0 ? east : -east);
    });
}
