// Figures derived from square metres, as numbers and as MapLibre expressions.

import { ofPair, ofTable, ofYear, type PairColumn } from "./columns.ts";
import type { ExpressionSpecification } from "maplibre-gl";
import type { Figures, Measure } from "./settings.ts";

export type Pair = [number, number];

export function land(figures: Figures): number {
  return figures[ofTable("land_m2")] ?? 0;
}

/** Return 100 x column / land, or null where there is no land. */
export function percentOfLand(squareMetres: number, figures: Figures): number | null {
  return land(figures) > 0 ? (100 * squareMetres) / land(figures) : null;
}

/** Return whether any pixel was counted: what is 0 otherwise means no data, not none. */
export function hasData(figures: Figures): boolean {
  return (figures[ofTable("valid_m2")] ?? 0) > 0;
}

export function sealed(figures: Figures, year: number): number {
  return figures[ofYear("sealed_m2", year)] ?? 0;
}

export function flows(figures: Figures, [first, last]: Pair): { gain: number; loss: number } {
  return {
    gain: figures[ofPair("new_sealed_m2", [first, last])] ?? 0,
    loss: figures[ofPair("unsealed_m2", [first, last])] ?? 0,
  };
}

/** What was judged of a pair: confirmed new sealing, adjusted net with its interval, signal. */
export function judged(figures: Figures, [first, last]: Pair) {
  // Inconclusive units carry none of these; what is not a number is written as no figure.
  const of = (name: PairColumn) => figures[ofPair(name, [first, last])] ?? (hasData(figures) ? Number.NaN : 0);
  return {
    confirmed: of("confirmed_m2"),
    net: of("adjusted_m2"),
    low: of("adjusted_low_m2"),
    high: of("adjusted_high_m2"),
    signal: figures[ofPair("signal", [first, last])] ?? 0,
  };
}

/** Return a measure's value in percent or percentage points of land. */
export function measureValue(measure: Measure, figures: Figures): number | null {
  if (measure.open !== null && measure.plus.some((name) => figures[name] === undefined)) {
    return null;
  }
  const total = (columns: string[]) => columns.reduce((sum, name) => sum + (figures[name] ?? 0), 0);
  return percentOfLand(total(measure.plus) - total(measure.minus), figures);
}

/** Return the same value as an expression over a hexagon's properties. */
export function measureExpression(measure: Measure): ExpressionSpecification {
  const net: ExpressionSpecification = ["-", totalExpression(measure.plus), totalExpression(measure.minus)];
  return ["*", 100, ["/", net, ["get", ofTable("land_m2")]]];
}

function totalExpression(columns: string[]): ExpressionSpecification {
  return ["+", 0, ...columns.map((name): ExpressionSpecification => ["get", name])];
}

/** Return the class of a value: how many breaks lie at or below it. */
export function classOfValue(breaks: number[], value: number): number {
  return breaks.filter((edge) => value >= edge).length;
}
