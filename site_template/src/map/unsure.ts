// A value-suppressing uncertainty palette (Correll, Moritz and Heer 2018): the wider a cell's 95 %
// interval, the fewer colours distinguish its value, and the greyer they are.

import { ofPair, ofTable, type PairColumn } from "../shared/columns.ts";
import type { ExpressionSpecification } from "maplibre-gl";
import { measureExpression } from "../shared/measures.ts";
import type { Palette } from "./palette.ts";
import type { Measure } from "../shared/settings.ts";

/** One row of the palette; ``sizes`` are how many of the six classes each colour stands for. */
interface Level {
  sizes: number[];
  grey: number;
}

const LEVELS: Level[] = [
  { sizes: [1, 1, 1, 1, 1, 1], grey: 0 },
  { sizes: [3, 3], grey: 0.5 },
  { sizes: [6], grey: 1 },
];

/** A row as the legend draws it. ``upTo`` is the half width of the interval, null: any. */
export interface Row {
  colors: { color: string; size: number }[];
  upTo: number | null;
}

/** Return the rows of the palette, the most certain first; ``breaks`` are those of change. */
export function unsureRows(palette: Palette, breaks: number[]): Row[] {
  const positive = breaks.filter((edge) => edge > 0);
  return LEVELS.map(({ sizes, grey }, level) => ({
    colors: starts(sizes).map((start, place) => {
      const size = sizes[place] ?? 1;
      const merged = palette.ramps.change.slice(start, start + size);
      return { color: mixed([...merged.map((color) => ({ color, part: (1 - grey) / size })), { color: palette.noise, part: grey }]), size };
    }),
    upTo: level < LEVELS.length - 1 ? (positive[level] ?? 0) : null,
  }));
}

/** Return the colour of a hexagon by its value and by the half width of its interval. */
export function unsureColor(measure: Measure, palette: Palette, breaks: number[]): ExpressionSpecification {
  const rows = unsureRows(palette, breaks);
  const inner = rows.map(({ colors }) => {
    const [first, ...rest] = colors;
    let at = first?.size ?? 0;
    const steps = rest.flatMap(({ color, size }) => {
      const edge = breaks[at - 1] ?? 0;
      at += size;
      return [edge, color];
    });
    return steps.length === 0
      ? (first?.color ?? "")
      : (["step", measureExpression(measure), first?.color ?? "", ...steps] as unknown);
  });
  const outer = rows.slice(0, -1).flatMap(({ upTo }, level) => [upTo ?? 0, inner[level + 1]]);
  return ["step", halfWidth(measure), inner[0], ...outer] as unknown as ExpressionSpecification;
}

/** Return half the width of the 95 % interval in percentage points of land. */
function halfWidth({ years }: Measure): ExpressionSpecification {
  const pair = years.join("_");
  const end = (name: PairColumn): ExpressionSpecification => ["get", ofPair(name, pair)];
  return ["*", 50, ["/", ["-", end("adjusted_high_m2"), end("adjusted_low_m2")], ["get", ofTable("land_m2")]]];
}

function starts(sizes: number[]): number[] {
  return sizes.map((_, place) => sizes.slice(0, place).reduce((sum, size) => sum + size, 0));
}

function mixed(parts: { color: string; part: number }[]): string {
  const channels = [1, 3, 5].map((at) => {
    const sum = parts.reduce(
      (total, { color, part }) => total + part * Number.parseInt(color.slice(at, at + 2), 16),
      0,
    );
    return Math.round(sum).toString(16).padStart(2, "0");
  });
  return `#${channels.join("")}`;
}
