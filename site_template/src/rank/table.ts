// The table of areas: one page of rows at a time, sorted by any column, with small drawings.

import { make } from "../shared/dom.ts";
import { intervalBar, sparkline } from "./charts.ts";
import type { Column, RankArea, RankData } from "./data.ts";
import type { RankState } from "./state.ts";
import { element } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

export const PAGE_ROWS = 50;

export interface TableActions {
  sortBy(column: string): void;
  showChildren(area: RankArea): void;
}

/** Sort areas by a column, those without data last in both directions. */
export function sorted(areas: RankArea[], sort: string, columns: Column[], data: RankData): RankArea[] {
  const isDown = sort.startsWith("-");
  const id = sort.replace(/^-/, "");
  const column = columns.find((each) => each.id === id);
  const value = column?.value ?? ((area: RankArea) => data.nameOrder(area));
  const sign = isDown ? -1 : 1;
  const keyed = areas.map((area) => ({ area, key: value(area) }));
  keyed.sort((one, two) => {
    if (one.key === null || two.key === null) {
      return Number(one.key === null) - Number(two.key === null);
    }
    return sign * (one.key - two.key) || data.nameOrder(one.area) - data.nameOrder(two.area);
  });
  return keyed.map(({ area }) => area);
}

export class RankTable {
  private readonly table = element<HTMLTableElement>("rank-table");
  /** How many areas lie directly in each, by "layer/id". */
  private readonly children = new Map<string, number>();

  constructor(
    private readonly data: RankData,
    private readonly text: Text,
    private readonly home: string,
    private readonly actions: TableActions,
  ) {
    for (const { parent } of [...data.layers.values()].flat()) {
      if (parent !== null) {
        const key = parent.join("/");
        this.children.set(key, (this.children.get(key) ?? 0) + 1);
      }
    }
  }

  show(areas: RankArea[], columns: Column[], state: RankState): void {
    const body = this.table.tBodies[0]!;
    this.table.tHead!.replaceChildren(this.headings(columns, state.sort));
    const reach = this.reach(areas, state.pair);
    const span = this.span(areas);
    body.replaceChildren(...areas.map((area) => this.row(area, columns, state, reach, span)));
    if (areas.length === 0) {
      const words = this.text.of("app.rank.empty");
      body.append(make("tr", {}, make("td", { colspan: String(columns.length + 2) }, words)));
    }
  }

  private headings(columns: Column[], sort: string): HTMLTableRowElement {
    const named = [{ id: "name", label: this.text.of("app.rank.name") }, ...columns];
    const trend = make("th", { scope: "col" }, this.text.of("app.rank.trend"));
    return make("tr", {}, ...named.map((each) => this.heading(each, sort)), trend);
  }

  private heading({ id, label }: { id: string; label: string }, sort: string): HTMLTableCellElement {
    const act = make("button", { type: "button", class: "sort-button", title: this.text.of("app.table.sort", { column: label }) }, label);
    act.dataset["column"] = id;
    act.addEventListener("click", () => this.actions.sortBy(id));
    const cell = make("th", { scope: "col", class: id === "name" ? "" : "number" }, act);
    if (sort.replace(/^-/, "") === id) {
      cell.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
    }
    return cell;
  }

  private row(area: RankArea, columns: Column[], state: RankState, reach: number, span: number): HTMLTableRowElement {
    const cells = columns.map((column) =>
      column.id === "interval"
        ? this.interval(area, column, state.pair, reach)
        : this.cell(area, column, state.pair.replace("-", "_")),
    );
    const trend = make("td", { class: "drawing" }, this.trend(area, span));
    return make("tr", {}, this.name(area), ...cells, trend);
  }

  /** A figure, a grade as a badge, or a growth that is grey where none is established. */
  private cell(area: RankArea, column: Column, pair: string): HTMLTableCellElement {
    if (column.id === "grade") {
      return make("td", {}, make("span", { class: `grade ${this.data.grade(area, pair)}` }, column.text(area)));
    }
    const isFaint = column.id === "growth" && !this.data.isEstablished(area, pair);
    return make("td", { class: isFaint ? "number faint" : "number" }, column.text(area));
  }

  private name(area: RankArea): HTMLTableCellElement {
    const key = `${area.layer}/${area.id}`;
    const address = new URLSearchParams({ area: key }).toString().replaceAll("%2F", "/");
    const map = make("a", { class: "row-link", href: `${this.home}#${address}`, "aria-label": this.text.of("app.rank.map_of", { name: area.name }) }, this.text.of("app.rank.map"));
    const count = this.children.get(key) ?? 0;
    const inside = make("button", { type: "button", class: "text-button row-link" }, this.text.of("app.rank.children", { count }));
    inside.addEventListener("click", () => this.actions.showChildren(area));
    return make("th", { scope: "row" }, make("a", { href: area.sheet }, area.name), make("span", { class: "row-links" }, map, ...(count > 0 ? [inside] : [])));
  }

  private trend(area: RankArea, span: number): Node {
    const { years } = this.data.settings;
    const shares = years.map((year) => this.data.share(area, year));
    const [first, last] = [shares[0] ?? null, shares.at(-1) ?? null];
    if (first === null || last === null) {
      return document.createTextNode("");
    }
    const words = { first: this.text.share(first), last: this.text.share(last) };
    return sparkline(shares, years, span, this.text.of("app.rank.trend.words", words));
  }

  private interval(area: RankArea, column: Column, pair: string, reach: number): HTMLTableCellElement {
    const [low = null, value = null, high = null] = this.ends(area, pair);
    const drawing = low === null || value === null || high === null ? [] : [intervalBar(low, value, high, reach)];
    return make("td", { class: "number interval" }, make("span", {}, column.text(area), ...drawing));
  }

  private ends(area: RankArea, pair: string): (number | null)[] {
    const ends = ["adjusted_low_m2", "adjusted_m2", "adjusted_high_m2"] as const;
    return ends.map((end) => this.data.growth(area, pair.replace("-", "_"), end));
  }

  /** Return the farthest end of the intervals shown, so that they share one scale. */
  private reach(areas: RankArea[], pair: string): number {
    return Math.max(0, ...areas.flatMap((area) => this.ends(area, pair)).map((end) => Math.abs(end ?? 0)));
  }

  /** Return the widest span of shares over the years, so that lines share one scale. */
  private span(areas: RankArea[]): number {
    const spans = areas.map((area) => {
      const known = this.data.settings.years.map((year) => this.data.share(area, year)).filter((share) => share !== null);
      return known.length > 0 ? Math.max(...known) - Math.min(...known) : 0;
    });
    return Math.max(0.01, ...spans);
  }
}
