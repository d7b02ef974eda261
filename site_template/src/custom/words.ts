// Rows about an area of the reader's own, each figure once in every place.

import { flows, judged, land, type Pair, percentOfLand, sealed } from "../shared/measures.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

/** Return the pair that spans most years. */
export function longestPair({ pairs }: Settings): Pair | null {
  const [longest] = [...pairs].sort((one, other) => other[1] - other[0] - (one[1] - one[0]));
  return longest ?? null;
}

/** One row of the comparison: a figure of each area. */
export interface CompareRow {
  label: string;
  values: string[];
}

/** Return what areas are compared by: land, share and sealed area, then change of one pair. */
export function compareRows(
  columns: (Figures | null)[],
  pair: Pair | null,
  settings: Settings,
  text: Text,
): CompareRow[] {
  const year = settings.years.at(-1) ?? 0;
  const row = (label: string, write: (figures: Figures) => string): CompareRow => ({
    label,
    values: columns.map((figures) => (figures === null ? "…" : write(figures))),
  });
  const hectares = (label: string, value: (figures: Figures) => number, signed = false) =>
    row(label, (figures) => text.hectares(value(figures), signed));
  const rows = [
    hectares(text.of("app.custom.row.land"), land),
    row(`${text.of("app.figure.share")}, ${year}`, (figures) =>
      text.share(percentOfLand(sealed(figures, year), figures)),
    ),
    hectares(`${text.of("app.figure.sealed")}, ${year}`, (figures) => sealed(figures, year)),
  ];
  if (pair === null) {
    return rows;
  }
  const years = pair.join("–");
  const label = (key: string) => `${text.of(`app.figure.${key}`)}, ${years}`;
  return [
    ...rows,
    hectares(label("confirmed"), (figures) => judged(figures, pair).confirmed),
    hectares(label("adjusted"), (figures) => judged(figures, pair).net, true),
    row(label("interval"), (figures) => {
      const { low, high } = judged(figures, pair);
      return text.interval(low, high);
    }),
    row(label("signal"), (figures) =>
      text.of(`app.signal.${settings.signals[judged(figures, pair).signal]}`),
    ),
    row(label("adjusted_pp"), (figures) =>
      text.points(percentOfLand(judged(figures, pair).net, figures)),
    ),
    hectares(label("new"), (figures) => flows(figures, pair).gain),
    hectares(label("unsealed"), (figures) => flows(figures, pair).loss),
  ];
}
