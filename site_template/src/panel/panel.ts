// The panel beside the map: the figures and texts of the hexagon or area that the reader keeps.

import { ofYear } from "../shared/columns.ts";
import { centerOf } from "../map/cells.ts";
import { actionBar, type BarItem, fillActions } from "./actions.ts";
import { intervalChart, type IntervalMarks, originsChart, stockChart } from "./charts.ts";
import { breadcrumb, bySize, type CrumbActions, holders } from "./crumbs.ts";
import { button, make } from "../shared/dom.ts";
import { FigureTables } from "./figuretables.ts";
import type { Cell } from "../map/map.ts";
import { flows, hasData, land, type Pair, sealed } from "../shared/measures.ts";
import { pairNotes } from "./notes.ts";
import { Origins } from "./origins.ts";
import { byLength } from "./pairs.ts";
import {
  badge,
  gradeOf,
  type Headline,
  hasFigure,
  headlineOf,
  headlineParts,
  hectaresText,
  periodsOf,
  signedInterval,
  verdictOf,
} from "./headline.ts";
import { type Area, element, type Figures, type Settings } from "../shared/settings.ts";
import { sign } from "../shared/sign.ts";
import type { AreaKey, Selection, Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";
import { isDoubtful, yearPoints } from "./years.ts";

export interface PanelActions extends CrumbActions {
  zoomTo(area: Area): void;
}

interface Basis {
  selection: Selection | null;
  figures: Figures;
  facts: HTMLElement[];
  /** The key of the note on raw figures. */
  note: string;
}

/** What the panel shows: whose figures, how it is called, and where it lies. */
export interface Unit extends Basis {
  title: string;
  spoken: string;
  /** The area, or null: a hexagon or the whole region. */
  area: Area | null;
  holders: Area[];
  kind: HTMLElement[];
}

/** What other parts of the page add to a place. */
export interface PanelExtras {
  actions(unit: Unit): BarItem[];
  /** Buttons beside the name of an area. */
  beside(area: Area): HTMLElement[];
  /** What stands below the chart of net change. */
  below(unit: Unit): HTMLElement[];
  /** The pace that a target allows a place, for its chart. */
  target(figures: Figures): Pick<IntervalMarks, "target" | "targetYear">;
}

const LEAST_FOR_MEDIAN = 3;

/** The median net change a year of the areas of a layer, by pair with a figure. */
class Medians {
  private readonly known = new Map<string, Record<string, number>>();

  constructor(private readonly settings: Settings) {}

  of(layer: string): Record<string, number> {
    const found = this.known.get(layer) ?? this.compute(layer);
    this.known.set(layer, found);
    return found;
  }

  private compute(layer: string): Record<string, number> {
    const areas = this.settings.layers.find((known) => known.layer === layer)?.areas ?? [];
    const values: Record<string, number[]> = {};
    for (const period of areas.flatMap(({ figures }) => periodsOf(this.settings, figures))) {
      if (hasFigure(period) && period.middle !== null) {
        (values[period.pair.join("_")] ??= []).push(period.middle);
      }
    }
    const enough = Object.entries(values).filter(([, found]) => found.length >= LEAST_FOR_MEDIAN);
    return Object.fromEntries(enough.map(([pair, found]) => [pair, medianOf(found)]));
  }
}

function medianOf(values: number[]): number {
  const sorted = [...values].sort((one, two) => one - two);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}

export class Panel {
  private readonly box = element("selection");
  private readonly region = element("region");
  private readonly speaker = element("speaker");
  private readonly medians: Medians;
  private readonly folded: FigureTables;
  private readonly origins: Origins;
  /** Whether the keyboard waits for a selection to appear. */
  private isAwaited = false;
  private shown: Unit | null = null;
  /** Whether the reader wants to see how we know; kept from place to place. */
  private isKnowOpen = false;

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly store: Store,
    private readonly actions: PanelActions,
    private readonly extras: PanelExtras,
  ) {
    this.medians = new Medians(settings);
    this.folded = new FigureTables(settings, text);
    this.origins = new Origins(settings);
    store.onChange(({ reduction }, before) => {
      if (reduction !== before.reduction) {
        this.redrawChart();
      }
    });
  }

  /** Fill what the templates left open in the section of the whole region. */
  enhanceRegion(): void {
    const unit: Unit = {
      selection: null,
      area: null,
      title: this.settings.region.title,
      spoken: this.settings.region.title,
      figures: this.settings.whole,
      holders: [],
      kind: [],
      facts: [],
      note: "app.selection.area_note",
    };
    fillActions(element("region-actions"), this.extras.actions(unit));
    // The build wrote the target as text; with the script it has a slider.
    this.region.querySelector(":scope > .target")?.remove();
    element("region-places").replaceChildren(...this.extras.below(unit));
  }

  /** The place that is shown: the region where none is chosen. */
  get place(): { title: string; figures: Figures } {
    return this.box.hidden || this.shown === null
      ? { title: this.settings.region.title, figures: this.settings.whole }
      : { title: this.shown.spoken, figures: this.shown.figures };
  }

  clear(): void {
    this.box.hidden = true;
    this.region.hidden = false;
    this.box.replaceChildren();
    this.announce("");
  }

  showCell(cell: Cell, areas: AreaKey[]): void {
    const [lng, lat] = centerOf(cell.index);
    const title = this.text.of("app.selection.hexagon");
    const facts = make(
      "dl",
      { class: "facts" },
      ...this.fact("app.selection.index", this.copyable(cell.index)),
      ...this.fact("app.selection.center", this.copyable(`${lat.toFixed(5)}, ${lng.toFixed(5)}`)),
      ...this.fact("app.selection.resolution", String(cell.resolution)),
    );
    this.show({
      selection: { kind: "cell", index: cell.index },
      area: null,
      kind: [],
      title,
      spoken: `${title} ${cell.index}`,
      figures: cell.figures,
      holders: bySize(this.settings, areas),
      facts: [facts],
      note: "app.selection.note",
    });
  }

  /** Report that the maps hold nothing in the chosen hexagon. */
  showEmptyCell(index: string): void {
    const words = this.text.of("app.selection.empty", { index });
    this.box.replaceChildren(
      breadcrumb(this.settings, this.text, [], this.actions),
      this.head({ title: this.text.of("app.selection.hexagon"), area: null, kind: [] }),
      make("p", { class: "detail" }, words),
    );
    this.box.hidden = false;
    this.region.hidden = true;
    this.announce(words);
  }

  showArea(area: Area, layerTitle: string): void {
    const zoom = button(this.text.of("app.selection.zoom"), "text-button", () =>
      this.actions.zoomTo(area),
    );
    const kind = make("p", { class: "kind" }, layerTitle);
    if (area.bounds !== null) {
      kind.append(" · ", zoom);
    }
    this.show({
      selection: { kind: "area", layer: area.layer, id: area.id },
      area,
      kind: [kind],
      title: area.name,
      spoken: area.name,
      figures: area.figures,
      holders: holders(this.settings, area),
      facts: [],
      note: "app.selection.area_note",
    });
  }

  announce(words: string): void {
    this.speaker.textContent = words;
  }

  /** Put the keyboard where the selection begins, now or when its hexagon is there. */
  focus(): void {
    const heading = this.box.querySelector("h2");
    heading?.focus({ preventScroll: true });
    this.isAwaited = heading === null;
  }

  /** Return all elements on figures; `note` is the key of the note on raw figures. */
  tables(figures: Figures, note: string): HTMLElement[] {
    return [...this.first(figures, null), this.basis({ selection: null, figures, facts: [], note })];
  }

  private show(unit: Unit): void {
    this.box.replaceChildren(
      breadcrumb(this.settings, this.text, unit.holders, this.actions),
      this.head(unit),
      ...this.first(unit.figures, unit),
      this.basis(unit),
    );
    this.box.hidden = false;
    this.region.hidden = true;
    element("figures").scrollTop = 0;
    if (this.isAwaited) {
      this.focus();
    }
    this.announceUnit(unit);
    this.shown = unit;
  }

  /** Draw the chart of what is shown again, where the target of its reader is another now. */
  redrawChart(): void {
    const figures = this.box.hidden ? this.settings.whole : this.shown?.figures;
    const layer = this.box.hidden ? "" : (this.shown?.area?.layer ?? "");
    const place = (this.box.hidden ? this.region : this.box).querySelector(".net-change");
    if (figures !== undefined && place !== null) {
      const [made] = this.netChange(figures, headlineOf(this.settings, this.text, figures), layer);
      place.replaceWith(...(made === undefined ? [] : [made]));
    }
  }

  private head({ title, area, kind }: Pick<Unit, "title" | "area" | "kind">): HTMLElement {
    const close = this.text.of("app.selection.close");
    const cross = button("×", "close-button", () => this.actions.letGo());
    cross.setAttribute("aria-label", close);
    cross.title = close;
    const heading = make("h2", { id: "selection-name", tabindex: "-1" }, title);
    const more = area === null ? [] : this.extras.beside(area);
    return make("div", { class: "selection-head" }, heading, ...more, cross, ...kind);
  }

  /** Headline, bar of actions, net change: what a place answers first. */
  private first(figures: Figures, unit: Unit | null): HTMLElement[] {
    const head = headlineOf(this.settings, this.text, figures);
    const layer = unit?.area?.layer ?? "";
    return [
      ...headlineParts(this.text, head),
      ...(unit === null ? [] : [actionBar(this.text, this.extras.actions(unit))]),
      ...this.netChange(figures, head, layer),
      ...(unit === null ? [] : this.extras.below(unit)),
    ];
  }

  private netChange(figures: Figures, head: Headline, layer: string): HTMLElement[] {
    const marks = this.marks(figures, layer);
    const chart = intervalChart(periodsOf(this.settings, figures), this.text, marks);
    if (chart !== null && head.grade !== null) {
      const unit = make("span", { class: "unit" }, this.text.of("app.chart.net.unit"));
      const title = make("h3", {}, this.text.of("app.chart.net"), " ", unit);
      return [make("section", { class: "net-change" }, title, ...chart.childNodes)];
    }
    if (head.grade === null) {
      return [];
    }
    const reason = head.grade === "incomparable" ? "incomparable" : "inconclusive";
    const words = make("p", {}, this.text.of(`app.why.${reason}`));
    const found = this.settings.grades[head.period?.pair.join("_") ?? ""];
    const reasons = found?.grade === head.grade ? found.reasons : [];
    const box = make("section", { class: "why" }, make("h3", {}, this.text.of("app.why.title")), words);
    box.append(make("ul", { class: "why-list" }, ...reasons.map((each) => make("li", {}, each))));
    return [box, ...(reason === "inconclusive" ? [this.sampleCall()] : [])];
  }

  /** What gives a figure where maps do not: a sample that people label. */
  private sampleCall(): HTMLElement {
    const command = make("code", {}, `hexseal sample plan ${this.settings.region.id}.toml`);
    const words = make("p", {}, this.text.of("app.why.sample.words"));
    return make("section", { class: "sample-call" }, make("h3", {}, this.text.of("app.why.sample")), words, command);
  }

  private marks(figures: Figures, layer: string): IntervalMarks {
    return { medians: this.medians.of(layer), ...this.extras.target(figures) };
  }

  /** All else, folded: the raw difference of the maps with its grade, notes, charts, tables. */
  private basis({ selection, figures, facts, note }: Basis): HTMLElement {
    const isChosen = (pair: Pair) => Number(pair.join("-") === this.store.state.pair);
    const pairs = [...this.settings.pairs].sort(
      (one, two) => isChosen(two) - isChosen(one) || byLength(one, two),
    );
    const stock = stockChart(yearPoints(figures, this.settings), this.text);
    const summary = make(
      "summary",
      {},
      make("h3", {}, this.text.of("app.know")),
      " ",
      make("span", {}, this.text.of("app.know.parts")),
    );
    const box = make(
      "details",
      { class: "know" },
      summary,
      this.detail(figures),
      ...(pairs.length > 0 ? this.differences(figures) : []),
      ...pairs.map((pair) => this.pair(figures, pair, selection)),
      ...(stock ? [stock] : []),
      this.folded.of(figures, note),
      ...facts,
    );
    box.open = this.isKnowOpen;
    box.addEventListener("toggle", () => {
      this.isKnowOpen = box.open;
    });
    return box;
  }

  private detail(figures: Figures): HTMLElement {
    const year = this.settings.years.at(-1) ?? 0;
    const words = this.text.of("app.read.detail", {
      sealed: this.text.hectares(sealed(figures, year)),
      land: this.text.hectares(land(figures)),
    });
    const [low, high] = [figures[ofYear("sealed_low_m2", year)], figures[ofYear("sealed_high_m2", year)]];
    const corrected =
      low === undefined || high === undefined
        ? ""
        : ` ${this.text.of("app.read.corrected", { interval: this.text.interval(low, high) })}`;
    return make("p", { class: "detail" }, words + corrected);
  }

  /** What the two maps of each pair differ by, whatever the grade, which stands beside it. */
  private differences(figures: Figures): HTMLElement[] {
    const { text } = this;
    const head = (key: string, isNumber: boolean) =>
      make("th", { scope: "col", ...(isNumber ? { class: "number" } : {}) }, text.of(`app.know.${key}`));
    const rows = this.settings.pairs.map((pair) => {
      const { gain, loss } = flows(figures, pair);
      const write = (value: number, signed = false) =>
        hasData(figures) ? text.hectares(value, signed) : text.of("app.none");
      const cells = [write(gain), write(loss), write(gain - loss, true)];
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, pair.join("–")),
        ...cells.map((cell) => make("td", { class: "number" }, cell)),
        make("td", {}, badge(text, gradeOf(this.settings, figures, pair))),
      );
    });
    const heads = [head("years", false), ...["new", "lost", "net"].map((key) => head(key, true)), head("grade", false)];
    return [
      make(
        "table",
        { class: "figures differences" },
        make("caption", {}, text.of("app.know.difference")),
        make("thead", {}, make("tr", {}, ...heads)),
        make("tbody", {}, ...rows),
      ),
      make("p", { class: "table-note" }, text.of("app.know.difference.note")),
    ];
  }

  /** Return the text on a pair of years, folded unless it is the chosen one (pairs.ts). */
  private pair(figures: Figures, pair: Pair, selection: Selection | null): HTMLElement {
    const key = pair.join("-");
    const period = periodsOf(this.settings, figures).find(({ pair: own }) => own.join("-") === key);
    const interval = period === undefined ? "" : signedInterval(this.text, period);
    const verdict = this.text.of(`app.verdict.${period === undefined ? "inconclusive" : verdictOf(period)}`);
    const brief = make("span", { class: "pair-brief" }, interval === "" ? verdict : `${verdict}, ${interval}`);
    const isMeasured = period?.grade === "reference";
    if (isDoubtful(this.settings, pair) && !isMeasured) {
      brief.append(" ", sign(this.text.of("app.warning")));
    }
    const { gain, loss } = flows(figures, pair);
    const differ = this.text.of("app.know.differ", {
      gain: hectaresText(this.text, gain, true),
      loss: hectaresText(this.text, -loss, true),
    });
    const title = this.text.of("app.selection.pair", { pair: pair.join("–") });
    const details = make(
      "details",
      // Of several areas beside each other none may fold the others.
      { class: "pair-details", "data-pair": key, ...(selection ? { name: "selection-pair" } : {}) },
      make("summary", {}, make("h4", {}, title), brief),
      isMeasured ? null : pairNotes(this.settings, this.text, pair, "warning"),
      make("p", { class: "story" }, hasData(figures) ? differ : this.text.of("app.head.no_data")),
      pairNotes(this.settings, this.text, pair, "note"),
    );
    details.open = key === this.store.state.pair;
    if (selection !== null) {
      void this.addOrigins(details, selection, pair);
    }
    return make("article", { class: "pair" }, details);
  }

  private async addOrigins(box: HTMLElement, selection: Selection, pair: Pair): Promise<void> {
    const { origins, cell } = await this.origins.of(selection, pair);
    const chart = originsChart(origins, this.text);
    if (chart !== null && cell !== null) {
      const note = this.text.of("app.chart.around", { resolution: this.settings.origins.resolution });
      chart.querySelector("figcaption")?.after(make("p", { class: "detail" }, note));
    }
    box.append(...(chart ? [chart] : []));
  }

  private announceUnit({ spoken, figures }: Unit): void {
    const { sentence, grade } = headlineOf(this.settings, this.text, figures);
    const words = [sentence.replaceAll("*", ""), ...(grade === null ? [] : [this.text.of(`app.grade.${grade}`)])];
    this.announce(this.text.of("app.selection.announce", { name: spoken, value: words.join(" ") }));
  }

  private fact(key: string, value: Node | string): HTMLElement[] {
    return [make("dt", {}, this.text.of(key)), make("dd", {}, value)];
  }

  private copyable(value: string): HTMLElement {
    const label = this.text.of("app.selection.copy");
    const copy = button(label, "text-button copy-button", () => {
      const done = (key: string) => {
        copy.textContent = this.text.of(key);
        this.announce(this.text.of(key));
        setTimeout(() => (copy.textContent = label), 2000);
      };
      // Absent where the page is neither a file nor served securely.
      const write = navigator.clipboard?.writeText(value) ?? Promise.reject(new Error("refused"));
      write.then(
        () => done("app.selection.copied"),
        () => done("app.selection.copy_failed"),
      );
    });
    return make("span", { class: "copyable" }, make("code", {}, value), copy);
  }
}
