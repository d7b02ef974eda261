// Areas of a file as rows with the columns that `hexseal areas` writes: one schema for both.

import { ofPair, ofYear } from "../shared/columns.ts";
import type { Grade, Settings } from "../shared/settings.ts";
import type { Answer } from "./answer.ts";
import { distance, type Polygon } from "./shapes.ts";

/** What became of an area, in the words of `hexseal areas`; "not measured" has a reason beside it. */
export type RowAnswer = "ok" | "partly" | "outside" | "no valid pixel" | "not measured";

export interface AreaRow {
  id: string;
  name: string;
  polygons: Polygon[];
  answer: RowAnswer;
  /** Why it was not measured, in the reader's language; "" otherwise. */
  problem: string;
  isRepaired: boolean;
  found: Answer | null;
}

type Value = string | number | boolean | null;

/** An area with data of every year on at least this part of it is whole (COVERED in hexseal/areas.py). */
const COVERED = 0.99;
/** Variance of an area counted by the points of a lattice (LATTICE_VARIANCE in hexseal/areas.py). */
const LATTICE_VARIANCE = 0.0724;

/** Return what an answer amounts to: whole, or partly covered beyond the noise of counting. */
export function answerOf(found: Answer, polygons: Polygon[]): RowAnswer {
  const { size, covered } = found;
  const noise = (4 * edgeSpread(polygons, found)) / size;
  return covered < COVERED - noise ? "partly" : "ok";
}

/** Return the standard deviation in square metres of counting pixels by their centres. */
export function edgeSpread(polygons: Polygon[], found: Answer): number {
  const pixel = Math.sqrt(pixelArea(found));
  const length = polygons
    .flat()
    .flatMap((ring) => ring.map((from, place) => distance(from, ring[(place + 1) % ring.length]!)))
    .reduce((sum, side) => sum + side, 0);
  return Math.sqrt(LATTICE_VARIANCE * length * pixel ** 3);
}

/** Return the values of a row in the order of the columns; null where the page has none. */
export function valuesOf(row: AreaRow, settings: Settings): Value[] {
  const known: Record<string, Value> = {
    id: row.id,
    name: row.name,
    polygon_m2: rounded(row.found?.size),
    edge_sd_m2: row.found && rounded(edgeSpread(row.polygons, row.found)),
    covered_share: row.found?.covered ?? 0,
    answer: row.problem === "" ? row.answer : `${row.answer}: ${row.problem}`,
    repaired: row.isRepaired,
    ...(row.found && { ...stateOf(row.found, settings), ...changeOf(row.found, settings) }),
  };
  return settings.own.columns.map((name) => known[name] ?? null);
}

function stateOf(found: Answer, { years, pairs, own, density }: Settings): Record<string, Value> {
  const { figures, pixels } = found;
  const pixel = pixelArea(found);
  const land = figures["land_m2"] ?? 0;
  const values: Record<string, Value> = {
    valid_m2: rounded(figures["valid_m2"]),
    land_m2: rounded(land),
    valid_pixels: Math.round(pixels),
  };
  const first = years[0] ?? 0;
  for (const year of years) {
    const sealed = figures[ofYear("sealed_m2", year)] ?? 0;
    values[ofYear("sealed_pixels", year)] = density ? null : Math.round(sealed / pixel);
    values[ofYear("sealed_m2", year)] = rounded(sealed);
    values[ofYear("sealed_share", year)] = ratio(sealed, land);
    values[ofYear("source", year)] = own.sources[year] ?? null;
    const change = year === first ? 0 : (figures[ofPair("adjusted_m2", [first, year])] ?? null);
    const isJudged = pairs.length > 0 && change !== null;
    values[ofYear("index", year)] = isJudged ? plus(ratio(100 * change, figures[ofYear("sealed_m2", first)] ?? 0), 100) : null;
  }
  return values;
}

function changeOf(found: Answer, settings: Settings): Record<string, Value> {
  const { figures } = found;
  const values: Record<string, Value> = {};
  const pixel = pixelArea(found);
  const land = figures["land_m2"] ?? 0;
  for (const [first, last] of settings.pairs) {
    const [pair, span] = [`${first}_${last}`, last - first];
    const of = (name: string) => figures[`${name}_${pair}`] ?? null;
    const [gain, loss] = [of("new_sealed_m2") ?? 0, of("unsealed_m2") ?? 0];
    const [net, low, high] = [of("adjusted_m2"), of("adjusted_low_m2"), of("adjusted_high_m2")];
    const before = figures[ofYear("sealed_m2", first)] ?? 0;
    const signal = of("signal");
    const counted: Record<string, Value> = {
      new_sealed_pixels: settings.density ? null : Math.round(gain / pixel),
      unsealed_pixels: settings.density ? null : Math.round(loss / pixel),
      new_sealed_m2: rounded(gain),
      unsealed_m2: rounded(loss),
      net_m2: rounded(gain - loss),
      net_pp_per_year: ratio((100 * (gain - loss)) / span, land),
      grade: gradeOf(settings.grades[pair]?.grade, net),
      confirmed_m2: rounded(of("confirmed_m2")),
      adjusted_m2: rounded(net),
      adjusted_low_m2: rounded(low),
      adjusted_high_m2: rounded(high),
      inconclusive_share: of("inconclusive_share"),
      signal: signal === null ? null : (settings.signals[signal] ?? null),
      detection_limit_m2: low === null || high === null ? null : rounded((high - low) / 2),
      adjusted_m2_per_year: net === null ? null : rounded(net / span),
      adjusted_pp: net === null ? null : ratio(100 * net, land),
      relative_percent: net === null ? null : ratio(100 * net, before),
      loss_gain_ratio: ratio(loss, gain),
      land_consumption_rate: net === null ? null : ratio(net / span, before),
    };
    for (const [name, value] of Object.entries(counted)) {
      values[`${name}_${pair}`] = value;
    }
  }
  return values;
}

function pixelArea({ figures, pixels }: Answer): number {
  return pixels > 0 ? (figures["valid_m2"] ?? 0) / pixels : 1;
}

/** An area whose own hexagons fail a test has no figure where the region has one. */
function gradeOf(whole: Grade | undefined, net: number | null): Grade | null {
  const isSupported = whole === "reference" || whole === "consistent";
  return isSupported && net === null ? "inconclusive" : (whole ?? null);
}

/** Square metres to the square centimetre: more digits are rounding. */
function rounded(squareMetres: number | null | undefined): number | null {
  return squareMetres === null || squareMetres === undefined ? null : Number(squareMetres.toFixed(4));
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function plus(value: number | null, more: number): number | null {
  return value === null ? null : value + more;
}
