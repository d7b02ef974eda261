// The panel beside the map: what there is to say of the hexagon or area that the reader keeps.

import { centerOf } from "../map/cells.ts";
import { originsChart, stockChart } from "./charts.ts";
import { breadcrumb, bySize, type CrumbActions, holders } from "./crumbs.ts";
import { button, make } from "../shared/dom.ts";
import { FigureTables } from "./figuretables.ts";
import type { AreaKey, Cell } from "../map/map.ts";
import { land, type Pair, percentOfLand, sealed } from "../shared/measures.ts";
import { pairNotes } from "./notes.ts";
import { Origins } from "./origins.ts";
import { byLength } from "./pairs.ts";
import { Reader } from "./reading.ts";
import { type Area, element, type Figures, type Settings } from "../shared/settings.ts";
import { sign } from "../shared/sign.ts";
import { BASES, type Selection, type Store, toldYear } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";
import { isDoubtful, yearPoints } from "./years.ts";

export interface PanelActions extends CrumbActions {
  zoomTo(area: Area): void;
}

/** What the panel shows: whose figures, how it is called, and where it lies. */
interface Unit {
  selection: Selection;
  title: string;
  spoken: string;
  figures: Figures;
  holders: Area[];
  facts: HTMLElement[];
  /** The key of what there is to say of raw figures. */
  note: string;
}

export class Panel {
  private readonly box = element("selection");
  private readonly region = element("region");
  private readonly speaker = element("speaker");
  private readonly reader: Reader;
  private readonly folded: FigureTables;
  private readonly origins: Origins;
  /** Whether the keyboard waits for a selection to appear. */
  private isAwaited = false;

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly store: Store,
    private readonly actions: PanelActions,
  ) {
    this.reader = new Reader(settings, text);
    this.folded = new FigureTables(settings, text);
    this.origins = new Origins(settings);
  }

  clear(): void {
    this.box.hidden = true;
    this.region.hidden = false;
    this.box.replaceChildren();
    this.say("");
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
      title,
      spoken: `${title} ${cell.index}`,
      figures: cell.figures,
      holders: bySize(this.settings, areas),
      facts: [facts],
      note: "app.selection.note",
    });
  }

  /** Say that the maps hold nothing in a hexagon that the reader asked for. */
  showEmptyCell(index: string): void {
    const words = this.text.of("app.selection.empty", { index });
    this.box.replaceChildren(
      breadcrumb(this.settings, this.text, [], this.actions),
      this.head(this.text.of("app.selection.hexagon")),
      make("p", { class: "detail" }, words),
    );
    this.box.hidden = false;
    this.region.hidden = true;
    this.say(words);
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
      title: area.name,
      spoken: area.name,
      figures: area.figures,
      holders: holders(this.settings, area),
      facts: [kind],
      note: "app.selection.area_note",
    });
  }

  say(words: string): void {
    this.speaker.textContent = words;
  }

  /** Put the keyboard where the selection begins, now or when its hexagon is there. */
  focus(): void {
    const heading = this.box.querySelector("h2");
    heading?.focus({ preventScroll: true });
    this.isAwaited = heading === null;
  }

  /** Return all that is said of figures; `note` is the key of what to say of raw figures. */
  tables(figures: Figures, note: string, selection: Selection | null = null): HTMLElement[] {
    const isChosen = (pair: Pair) => Number(pair.join("-") === this.store.state.pair);
    const pairs = [...this.settings.pairs].sort(
      (one, two) => isChosen(two) - isChosen(one) || byLength(one, two),
    );
    const stock = stockChart(yearPoints(figures, this.settings), this.text);
    return [
      ...this.settings.years.map((year) => this.state(figures, year)),
      ...pairs.map((pair) => this.pair(figures, pair, selection)),
      ...(stock ? [stock] : []),
      this.folded.of(figures, note),
    ];
  }

  private show(unit: Unit): void {
    this.box.replaceChildren(
      breadcrumb(this.settings, this.text, unit.holders, this.actions),
      this.head(unit.title),
      ...unit.facts,
      ...this.tables(unit.figures, unit.note, unit.selection),
    );
    this.box.hidden = false;
    this.region.hidden = true;
    element("figures").scrollTop = 0;
    if (this.isAwaited) {
      this.focus();
    }
    this.announce(unit);
  }

  private head(title: string): HTMLElement {
    const close = this.text.of("app.selection.close");
    const cross = button("×", "close-button", () => this.actions.letGo());
    cross.setAttribute("aria-label", close);
    cross.title = close;
    const heading = make("h2", { id: "selection-name", tabindex: "-1" }, title);
    return make("div", { class: "selection-head" }, heading, cross);
  }

  /** Say how much is sealed in a year; seen while the map shows that year (pairs.ts). */
  private state(figures: Figures, year: number): HTMLElement {
    const told = make("div", { class: "state", "data-year": String(year) }, ...this.sealed(figures, year));
    told.hidden = year !== toldYear(this.store.state);
    return told;
  }

  private sealed(figures: Figures, year: number): HTMLElement[] {
    const share = percentOfLand(sealed(figures, year), figures);
    if (share === null) {
      const key = (figures["valid_m2"] ?? 0) > 0 ? "app.no_land" : "app.none";
      return [make("p", { class: "headline" }, this.text.of(key))];
    }
    const headline = this.text.of("app.read.headline", { share: this.text.share(share), year });
    const detail = this.text.of("app.read.detail", {
      sealed: this.text.hectares(sealed(figures, year)),
      land: this.text.hectares(land(figures)),
    });
    const [low, high] = [figures[`sealed_low_m2_${year}`], figures[`sealed_high_m2_${year}`]];
    const corrected =
      low === undefined || high === undefined
        ? ""
        : ` ${this.text.of("app.read.corrected", { interval: this.text.interval(low, high) })}`;
    return [
      make("p", { class: "headline" }, headline),
      make("p", { class: "detail" }, detail + corrected),
    ];
  }

  /** Return what is said of a pair of years, folded unless it is the chosen one (pairs.ts). */
  private pair(figures: Figures, pair: Pair, selection: Selection | null): HTMLElement {
    const key = pair.join("-");
    const brief = make("span", { class: "pair-brief" }, this.reader.brief(figures, pair));
    const isMeasured = this.reader.isReference(figures, pair);
    if (isDoubtful(this.settings, pair) && !isMeasured) {
      brief.append(" ", sign(this.text.of("app.warning")));
    }
    const title = this.text.of("app.selection.pair", { pair: pair.join("–") });
    const details = make(
      "details",
      // Of several areas beside each other none may fold the others.
      { class: "pair-details", "data-pair": key, ...(selection ? { name: "selection-pair" } : {}) },
      make("summary", {}, make("h3", {}, title), brief),
      isMeasured ? null : pairNotes(this.settings, this.text, pair, "warning"),
      ...this.readings(figures, pair),
      pairNotes(this.settings, this.text, pair, "note"),
    );
    details.open = key === this.store.state.pair;
    if (selection !== null) {
      void this.addOrigins(details, selection, pair);
    }
    return make("article", { class: "pair" }, details);
  }

  private readings(figures: Figures, pair: Pair): HTMLElement[] {
    return BASES.map((basis) => {
      const reading = make(
        "div",
        { class: "reading", "data-basis": basis },
        make("p", { class: "story" }, this.reader.sentence(figures, pair, basis)),
        this.reader.cards(figures, pair, basis),
      );
      reading.hidden = basis !== this.store.state.basis;
      return reading;
    });
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

  private announce({ spoken, figures }: Unit): void {
    const year = toldYear(this.store.state);
    const share = percentOfLand(sealed(figures, year), figures);
    const value =
      share === null
        ? this.text.of("app.no_land")
        : `${this.text.of("app.legend.share.value", { value: this.text.share(share) })}, ${year}`;
    this.say(this.text.of("app.selection.announce", { name: spoken, value }));
  }

  private fact(key: string, value: Node | string): HTMLElement[] {
    return [make("dt", {}, this.text.of(key)), make("dd", {}, value)];
  }

  private copyable(value: string): HTMLElement {
    const label = this.text.of("app.selection.copy");
    const copy = button(label, "text-button copy-button", () => {
      const done = (key: string) => {
        copy.textContent = this.text.of(key);
        this.say(this.text.of(key));
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
