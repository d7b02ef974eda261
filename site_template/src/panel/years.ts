// Sealed area of every year of a unit: as mapped, and adjusted from the first year on
// (hexseal/pages/years.py).

import { ofPair } from "../shared/columns.ts";
import { hasData, type Pair, sealed } from "../shared/measures.ts";
import type { Figures, Settings } from "../shared/settings.ts";

/** Square metres of one year; null where nothing was counted or judged. */
export interface YearPoint {
  year: number;
  raw: number | null;
  adjusted: number | null;
  /** The step from the year before must not be read as change. */
  isDoubtful: boolean;
}

export function yearPoints(figures: Figures, settings: Settings): YearPoint[] {
  const { years } = settings;
  return years.map((year, place) => {
    const before = years[place - 1];
    return {
      year,
      raw: hasData(figures) ? sealed(figures, year) : null,
      adjusted: since(figures, settings, year),
      isDoubtful: before !== undefined && isDoubtful(settings, [before, year]),
    };
  });
}

export function isDoubtful({ notes }: Settings, pair: Pair): boolean {
  return notes.some((note) => note.severe && isPair(note.pair, pair));
}

export function isPair(one: Pair, other: Pair): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** Return the adjusted area of a year; no interval, for that of a change is not one of a level. */
function since(figures: Figures, { years, pairs }: Settings, year: number): number | null {
  const first = years[0] ?? 0;
  const start = hasData(figures) ? sealed(figures, first) : null;
  const plus = (...names: string[]) => {
    const changes = names.map((name) => figures[name]);
    return start === null || changes.some((change) => change === undefined)
      ? null
      : Math.max(0, changes.reduce((sum: number, change) => sum + (change ?? 0), start));
  };
  if (year === first) {
    return start;
  }
  if (pairs.some((pair) => isPair(pair, [first, year]))) {
    return plus(ofPair("adjusted_m2", [first, year]));
  }
  const upto = years.filter((known) => known <= year);
  const steps = upto.slice(1).map((last, place) => ofPair("adjusted_m2", [upto[place]!, last]));
  return plus(...steps);
}
