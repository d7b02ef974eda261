// Up to four places beside each other, each outlined on the map in the colour of its column, and the
// difference of the first two in words with its own interval.

import { ofYear } from "../shared/columns.ts";
import { button, make } from "../shared/dom.ts";
import { land, percentOfLand, sealed } from "../shared/measures.ts";
import { type Area, element, type Settings } from "../shared/settings.ts";
import { type AreaKey, findArea, MOST_PLACES, type Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";
import { actionBar, type BarItem } from "./actions.ts";
import { comparisonChart } from "./charts.ts";
import {
  badge,
  changeSentence,
  chosenPeriod,
  hasFigure,
  hectaresText,
  marked,
  type Period,
  periodsOf,
  shareText,
} from "./headline.ts";

interface Column {
  area: Area;
  share: number | null;
  period: Period | null;
}

export interface CompareActions {
  actions(): BarItem[];
  /** Show all places on the map. */
  fit(areas: Area[]): void;
  /** Back to one place. */
  close(first: AreaKey | null): void;
}

export class PlaceComparison {
  private readonly box = element("compare");
  private readonly field = element<HTMLInputElement>("search-field");
  private readonly hint = this.field.placeholder;

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly store: Store,
    private readonly actions: CompareActions,
  ) {
    store.onChange((state, before) => {
      if (JSON.stringify(state.places) !== JSON.stringify(before.places)) {
        this.show();
      }
    });
    this.show();
  }

  /** Return whether places stand beside each other, so that a chosen one joins them. */
  get isOn(): boolean {
    return this.store.state.places.length > 0;
  }

  /** Return the button beside the name of an area. */
  opener(area: Area): HTMLButtonElement {
    const made = button(this.text.of("app.compare.open"), "compare-button", () => {
      this.store.set({ places: [{ layer: area.layer, id: area.id }], selection: null });
      // The name of the first is still written there.
      this.field.value = "";
      this.field.focus();
    });
    return made;
  }

  add(key: AreaKey): void {
    const { places } = this.store.state;
    const isKnown = places.some(({ layer, id }) => layer === key.layer && id === key.id);
    if (!isKnown && places.length < MOST_PLACES) {
      this.store.set({ places: [...places, { layer: key.layer, id: key.id }] });
    }
  }

  private show(): void {
    const areas = this.store.state.places.flatMap(({ layer, id }) => findArea(this.settings, layer, id) ?? []);
    const isOn = areas.length > 0;
    this.box.hidden = !isOn;
    element("figures").classList.toggle("comparing", isOn);
    this.field.placeholder = isOn ? this.text.of("app.compare.add", { most: MOST_PLACES }) : this.hint;
    if (!isOn) {
      this.box.replaceChildren();
      return;
    }
    const columns = areas.map((area) => this.column(area));
    this.box.replaceChildren(
      this.head(),
      make("div", { class: "compare-columns" }, ...columns.map((column, at) => this.card(column, at))),
      ...this.difference(columns),
      ...this.chart(columns),
      actionBar(this.text, this.actions.actions()),
    );
    this.actions.fit(areas);
  }

  private column(area: Area): Column {
    const year = this.settings.years.at(-1) ?? 0;
    return {
      area,
      share: percentOfLand(sealed(area.figures, year), area.figures),
      period: chosenPeriod(periodsOf(this.settings, area.figures)),
    };
  }

  private head(): HTMLElement {
    const close = button(this.text.of("app.compare.close"), "compare-button", () => {
      const [first = null] = this.store.state.places;
      this.store.set({ places: [] });
      this.actions.close(first);
    });
    return make("div", { class: "compare-head" }, make("h2", {}, this.text.of("app.compare.title")), close);
  }

  private card({ area, share, period }: Column, at: number): HTMLElement {
    const { text } = this;
    const year = this.settings.years.at(-1) ?? 0;
    const remove = button("×", "close-button", () => {
      this.store.set({ places: this.store.state.places.filter((_, place) => place !== at) });
    });
    remove.setAttribute("aria-label", text.of("app.compare.remove", { name: area.name }));
    const values = {
      sealed: hectaresText(text, sealed(area.figures, year)),
      land: hectaresText(text, land(area.figures)),
      year,
    };
    const words = make("p", { class: "compare-words" });
    words.append(...(period === null ? [] : marked(changeSentence(text, period, year))));
    return make(
      "article",
      { class: `compare-card place-${at}` },
      make("div", { class: "selection-head" }, make("h3", {}, area.name), remove),
      make("p", { class: "big-figure" }, share === null ? "–" : text.of("app.compare.share", { share: shareText(text, share) })),
      make("p", { class: "detail" }, text.of("app.compare.sealed", values)),
      words,
      ...(period === null ? [] : [badge(text, period.grade)]),
    );
  }

  private difference([one, two]: Column[]): HTMLElement[] {
    if (one === undefined || two === undefined) {
      return [make("p", { class: "detail" }, this.text.of("app.compare.hint"))];
    }
    const rows = [this.shareRow(one, two), this.growthRow(one, two), ...this.inhabitantsRow(one, two)];
    const list = make("dl", { class: "facts" });
    list.append(...rows.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, ...marked(words))]));
    const title = make("h3", {}, this.text.of("app.compare.difference"));
    return [make("section", { class: "compare-difference" }, title, list)];
  }

  private shareRow(one: Column, two: Column): [string, string] {
    const { text } = this;
    const name = text.of("app.compare.row.share");
    if (one.share === null || two.share === null) {
      return [name, text.of("app.none")];
    }
    const points = text.number(Math.abs(one.share - two.share), 1);
    const higher = one.share >= two.share ? one.area.name : two.area.name;
    return [name, text.of("app.compare.higher", { points, name: higher })];
  }

  private growthRow(one: Column, two: Column): [string, string] {
    const { text } = this;
    const [a, b] = [one.period, two.period];
    const name = text.of("app.compare.row.growth", { first: a?.pair[0] ?? "" });
    const isAlike = a !== null && b !== null && a.pair.join() === b.pair.join();
    if (!isAlike || !hasFigure(a) || !hasFigure(b)) {
      return [name, text.of("app.compare.unknown")];
    }
    const [low, high] = differenceOf(a, b);
    const interval = text.of("app.interval", {
      low: hectaresText(text, low, true),
      high: hectaresText(text, high, true),
    });
    if (low <= 0 && high >= 0) {
      return [name, text.of("app.compare.none", { interval })];
    }
    return [name, text.of("app.compare.faster", { name: (low > 0 ? one : two).area.name, interval })];
  }

  private inhabitantsRow(one: Column, two: Column): [string, string][] {
    const of = (column: Column, year: number) => column.area.figures[ofYear("sealed_m2_per_inhabitant", year)];
    const year = this.settings.years.findLast((known) => of(one, known) !== undefined && of(two, known) !== undefined);
    if (year === undefined) {
      return [];
    }
    const [a, b] = [one, two].map((column) => this.text.number(of(column, year) ?? 0, 0));
    return [[this.text.of("app.compare.row.inhabitant", { year }), this.text.of("app.compare.against", { a: a ?? "", b: b ?? "" })]];
  }

  private chart(columns: Column[]): HTMLElement[] {
    const rows = columns.flatMap(({ area, period }) => (period === null ? [] : [{ name: area.name, period }]));
    const chart = comparisonChart(rows, this.text);
    const unit = make("span", { class: "unit" }, this.text.of("app.chart.net.unit"));
    const title = make("h3", {}, this.text.of("app.chart.net"), " ", unit);
    return chart === null ? [] : [make("section", { class: "net-change" }, title, chart)];
  }
}

/** Return the interval of the difference of two places, whose errors are taken as independent. */
export function differenceOf(one: Period, two: Period): [number, number] {
  const [a, b] = [one.middle ?? 0, two.middle ?? 0];
  const below = Math.hypot(a - (one.low ?? 0), (two.high ?? 0) - b);
  const above = Math.hypot((one.high ?? 0) - a, b - (two.low ?? 0));
  return [a - b - below, a - b + above];
}
