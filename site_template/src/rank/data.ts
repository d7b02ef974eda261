// The areas that the rank page compares: compact rows in, figures of a chosen year and pair out.

import { ofPair, ofTable, ofYear, type PairColumn } from "../shared/columns.ts";
import type { Grade } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

export type Key = [layer: string, id: string];
type WrittenRow = [id: string, name: string, sheet: string, parent: Key | null, values: (number | null)[]];

export interface RankLayer {
  layer: string;
  title: string;
  rows: WrittenRow[];
}

/** The build's settings of the page: the JSON inside #hexseal-rank (hexseal/pages/rank.py). */
export interface RankSettings {
  language: string;
  root: string;
  id: string;
  years: number[];
  pairs: [number, number][];
  /** The pair that the page shows first: that of the region's headline; "" without pairs. */
  shownPair: string;
  columns: string[];
  signals: string[];
  grades: Grade[];
  doubtful: [number, number][];
  layers: RankLayer[];
  texts: Record<string, string>;
}

export interface RankArea {
  layer: string;
  id: string;
  name: string;
  sheet: string;
  parent: Key | null;
  values: (number | null)[];
}

/** Which year, pair of years and reading of change a column shows. */
export interface Choice {
  year: number;
  pair: string;
  basis: "adjusted" | "raw";
}

/** A column of the table; `value` is what it sorts by, `text` what it shows. */
export interface Column {
  id: string;
  label: string;
  /** Decimals shown. */
  digits: number;
  value: (area: RankArea) => number | null;
  text: (area: RankArea) => string;
}

const HECTARE = 10_000;

export class RankData {
  readonly layers: Map<string, RankArea[]>;
  private readonly places: Map<string, number>;
  private readonly plainNames = new Map<RankArea, string>();
  private byKey: Map<string, RankArea> | null = null;
  private order: Map<RankArea, number> | null = null;

  constructor(readonly settings: RankSettings) {
    this.places = new Map(settings.columns.map((name, place) => [name, place]));
    this.layers = new Map(
      settings.layers.map(({ layer, rows }) => [
        layer,
        rows.map(([id, name, sheet, parent, values]) => ({
          layer, id, name, sheet, parent, values,
        })),
      ]),
    );
  }

  of(area: RankArea, column: string): number | null {
    return area.values[this.places.get(column) ?? -1] ?? null;
  }

  share(area: RankArea, year: number): number | null {
    const land = this.of(area, ofTable("land_m2"));
    const sealed = this.of(area, ofYear("sealed_m2", year));
    return land && sealed !== null ? (100 * sealed) / land : null;
  }

  signal(area: RankArea, pair: string): string {
    return this.settings.signals[this.of(area, ofPair("signal", pair)) ?? -1] ?? "no_data";
  }

  grade(area: RankArea, pair: string): Grade {
    return this.settings.grades[this.of(area, ofPair("grade", pair)) ?? -1] ?? "inconclusive";
  }

  /** Return net change in percentage points of land a year: an end of its interval, or the middle. */
  growth(area: RankArea, pair: string, end: PairColumn = "adjusted_m2"): number | null {
    const [first = 0, last = 0] = pair.split("_").map(Number);
    const grade = this.grade(area, pair);
    const [net, land] = [this.of(area, ofPair(end, pair)), this.of(area, ofTable("land_m2"))];
    const isKnown = (grade === "reference" || grade === "consistent") && net !== null && Boolean(land);
    return isKnown ? (100 * (net ?? 0)) / (land ?? 1) / (last - first) : null;
  }

  /** Return whether the whole interval of the growth lies on one side of 0. */
  isEstablished(area: RankArea, pair: string): boolean {
    const [low, high] = [this.growth(area, pair, "adjusted_low_m2"), this.growth(area, pair, "adjusted_high_m2")];
    return low !== null && high !== null && (low > 0 || high < 0);
  }

  /** The years whose inhabitants some area knows, ascending. */
  get peopledYears(): number[] {
    const areas = [...this.layers.values()].flat();
    return this.settings.years.filter((year) =>
      areas.some((area) => this.of(area, ofYear("sealed_m2_per_inhabitant", year)) !== null),
    );
  }

  /** Return a name without case and accents. */
  plainName(area: RankArea): string {
    let plain = this.plainNames.get(area);
    if (plain === undefined) {
      plain = fold(area.name);
      this.plainNames.set(area, plain);
    }
    return plain;
  }

  /** Return the place of a name in the reader's alphabet: the build wrote rows in its order. */
  nameOrder(area: RankArea): number {
    if (this.order === null) {
      const all = [...this.layers.values()].flat();
      this.order = new Map(all.map((each, place) => [each, place]));
    }
    return this.order.get(area) ?? 0;
  }

  find(key: Key): RankArea | undefined {
    this.byKey ??= new Map([...this.layers.values()].flat().map((each) => [`${each.layer}/${each.id}`, each]));
    return this.byKey.get(key.join("/"));
  }

  /** Return whether an area lies inside another, at any depth. */
  isInside(area: RankArea, [layer, id]: Key): boolean {
    let above = area.parent;
    for (let depth = 0; above !== null && depth < 9; depth += 1) {
      if (above[0] === layer && above[1] === id) {
        return true;
      }
      above = this.find(above)?.parent ?? null;
    }
    return false;
  }

  /** Return the columns of a choice, in the order in which they stand; the name comes before. */
  columns(choice: Choice, text: Text): Column[] {
    const { year, pair } = choice;
    const label = (id: string) => text.of(`app.rank.${id}`, { year, pair: pair.replace("_", "–") });
    const none = text.of("app.none");
    const column = (id: string, digits: number, value: Column["value"], signed = false): Column => ({
      id,
      label: label(id),
      digits,
      value,
      text: (area) => {
        const found = value(area);
        return found === null ? none : text.number(found, digits, signed);
      },
    });
    const hectares = (id: string, name: PairColumn, signed = false) =>
      column(id, 1, (area) => toHectares(this.of(area, ofPair(name, pair))), signed);
    const share = column("share", 2, (area) => this.share(area, year));
    const inhabitant = column("per_inhabitant", 0, (area) =>
      this.of(area, ofYear("sealed_m2_per_inhabitant", year)),
    );
    const isPeopled = [...this.layers.values()].flat().some((area) => inhabitant.value(area) !== null);
    const last = [...(isPeopled ? [inhabitant] : []), column("land", 0, (area) => toHectares(this.of(area, ofTable("land_m2"))))];
    if (pair === "") {
      return [share, ...last];
    }
    if (choice.basis === "raw") {
      const net = (area: RankArea) => minus(this.of(area, ofPair("new_sealed_m2", pair)), this.of(area, ofPair("unsealed_m2", pair)));
      return [
        share,
        hectares("new", "new_sealed_m2"),
        hectares("unsealed", "unsealed_m2"),
        column("net", 1, (area) => toHectares(net(area)), true),
        this.gradeColumn(pair, label("grade"), text),
        ...last,
      ];
    }
    const growth = column("growth", 3, (area) => this.growth(area, pair), true);
    const confirmed = hectares("confirmed", "confirmed_m2");
    const judged = (value: Column["value"], write: Column["text"]) => (area: RankArea) =>
      value(area) === null ? this.withoutFigure(area, text) : write(area);
    return [
      share,
      {
        ...growth,
        // Where no growth is established there is no order either.
        value: (area) => (this.isEstablished(area, pair) ? this.growth(area, pair) : null),
        text: judged(growth.value, growth.text),
      },
      this.gradeColumn(pair, label("grade"), text),
      {
        id: "interval",
        label: label("interval"),
        digits: 3,
        value: (area) => this.growth(area, pair, "adjusted_low_m2"),
        text: (area) => this.interval(area, pair, text),
      },
      { ...confirmed, text: judged(confirmed.value, confirmed.text) },
      ...last,
    ];
  }

  private gradeColumn(pair: string, label: string, text: Text): Column {
    return {
      id: "grade",
      label,
      digits: 0,
      value: (area) => -this.settings.grades.indexOf(this.grade(area, pair)),
      text: (area) => text.of(`app.grade.${this.grade(area, pair)}`),
    };
  }

  /** Return why a judged figure is missing: the maps hold nothing here, or do not support one. */
  private withoutFigure(area: RankArea, text: Text): string {
    return text.of(this.of(area, ofTable("land_m2")) ? "app.rank.unsupported" : "app.none");
  }

  private interval(area: RankArea, pair: string, text: Text): string {
    const [low, high] = [this.growth(area, pair, "adjusted_low_m2"), this.growth(area, pair, "adjusted_high_m2")];
    if (low === null || high === null) {
      return this.withoutFigure(area, text);
    }
    const [from, to] = [low, high].map((end) => text.number(end, 3, true));
    return text.of("app.interval", { low: from ?? "", high: to ?? "" });
  }
}

/** Return text without case and accents, as a search compares it. */
export function fold(words: string): string {
  return words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function toHectares(squareMetres: number | null): number | null {
  return squareMetres === null ? null : squareMetres / HECTARE;
}

function minus(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one - other;
}
