// The columns of hexagons and areas. Written from build/hexseal/codebook by
// tools/write_columns.py; do not edit.

type PairOfYears = readonly [number, number];

export type TableColumn =
  | "area_m2"
  | "h3"
  | "h3_hex"
  | "id"
  | "land_m2"
  | "lat"
  | "layer"
  | "lon"
  | "name"
  | "population"
  | "resolution"
  | "valid_m2"
  | "valid_pixels";

export type YearColumn =
  | "index"
  | "sealed_adjusted_m2"
  | "sealed_high_m2"
  | "sealed_low_m2"
  | "sealed_m2"
  | "sealed_m2_per_inhabitant"
  | "sealed_pixels"
  | "sealed_share"
  | "source";

export type PairColumn =
  | "adjusted_high_m2"
  | "adjusted_low_m2"
  | "adjusted_m2"
  | "adjusted_m2_per_year"
  | "adjusted_pp"
  | "confirmed_m2"
  | "detection_limit_m2"
  | "grade"
  | "land_consumption_rate"
  | "lcrpgr"
  | "loss_gain_ratio"
  | "net_m2"
  | "net_pp_per_year"
  | "new_sealed_m2"
  | "new_sealed_pixels"
  | "population_growth_rate"
  | "q_value"
  | "reference_gain_high_m2"
  | "reference_gain_low_m2"
  | "reference_gain_m2"
  | "reference_loss_high_m2"
  | "reference_loss_low_m2"
  | "reference_loss_m2"
  | "relative_percent"
  | "signal"
  | "unsealed_m2"
  | "unsealed_pixels";

/** Columns by what they belong to. */
export interface Columns {
  table: readonly TableColumn[];
  year: readonly YearColumn[];
  pair: readonly PairColumn[];
}

/** The columns that add up to the answer for a shape. */
export const SHAPE: Columns = {
  table: [
    "valid_m2",
    "land_m2",
    "valid_pixels",
  ],
  year: [
    "sealed_m2",
  ],
  pair: [
    "new_sealed_m2",
    "unsealed_m2",
    "confirmed_m2",
    "adjusted_m2",
  ],
};

/** What a net change can be; its place is its number in tiles. */
export const SIGNALS = [
  "no_data",
  "within_noise",
  "gain",
  "loss",
  "inconclusive",
] as const;

/** Return the name of a column that stands once in a table. */
export function ofTable(name: TableColumn): string {
  return name;
}

/** Return the name of a year's column. */
export function ofYear(name: YearColumn, year: number): string {
  return `${name}_${year}`;
}

/** Return the name of a column of a pair of years, which may be written as in columns: A_B. */
export function ofPair(name: PairColumn, pair: PairOfYears | string): string {
  return `${name}_${typeof pair === "string" ? pair : pair.join("_")}`;
}

/** Return the names of columns by their use, for these years and pairs. */
export function spread(
  use: Columns,
  years: readonly number[],
  pairs: readonly PairOfYears[],
): string[] {
  return [
    ...use.table,
    ...years.flatMap((year) => use.year.map((name) => ofYear(name, year))),
    ...pairs.flatMap((pair) => use.pair.map((name) => ofPair(name, pair))),
  ];
}
