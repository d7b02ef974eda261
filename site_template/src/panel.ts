// The panel beside the map: all figures of the hexagon or area that the reader keeps.

import { centerOf } from "./cells.ts";
import { button, make } from "./dom.ts";
import type { AreaKey, Cell } from "./map.ts";
import { flows, hasData, judged, land, type Pair, percentOfLand, sealed } from "./measures.ts";
import { type Area, element, type Figures, type Indicator, type Settings } from "./settings.ts";
import { sign } from "./sign.ts";
import { findArea } from "./state.ts";
import type { Text } from "./text.ts";

export interface PanelActions {
  letGo(): void;
  zoomTo(area: Area): void;
  choose(area: AreaKey): void;
}

interface Line {
  label: string;
  values: string[];
  /** Only compares the maps, noise included. */
  isRaw?: boolean;
}

export class Panel {
  private readonly box = element("selection");
  private readonly speaker = element("speaker");

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly actions: PanelActions,
  ) {}

  clear(): void {
    this.box.hidden = true;
    this.box.replaceChildren();
    this.say("");
  }

  showCell(cell: Cell, areas: AreaKey[]): void {
    const [lng, lat] = centerOf(cell.index);
    const place = `${lat.toFixed(5)}, ${lng.toFixed(5)}`;
    const facts = make(
      "dl",
      { class: "facts" },
      ...this.fact("app.selection.index", this.copyable(cell.index)),
      ...this.fact("app.selection.resolution", String(cell.resolution)),
      ...this.fact("app.selection.center", this.copyable(place)),
      ...this.extent(cell.figures),
      ...this.insideOf(areas),
    );
    const title = this.text.of("app.selection.hexagon");
    this.fill(title, [facts, ...this.tables(cell.figures, "app.selection.note")]);
    this.announce(`${title} ${cell.index}`, cell.figures);
  }

  showArea(area: Area, layerTitle: string): void {
    const facts = make("dl", { class: "facts" }, ...this.extent(area.figures));
    const parts: HTMLElement[] = [make("p", { class: "kind" }, layerTitle), facts];
    if (area.bounds !== null) {
      const act = () => this.actions.zoomTo(area);
      parts.push(button(this.text.of("app.selection.zoom"), "text-button", act));
    }
    this.fill(area.name, [...parts, ...this.tables(area.figures, "app.selection.area_note")]);
    this.announce(area.name, area.figures);
  }

  say(words: string): void {
    this.speaker.textContent = words;
  }

  private fill(title: string, parts: HTMLElement[]): void {
    const close = this.text.of("app.selection.close");
    const cross = button("×", "close-button", () => this.actions.letGo());
    cross.setAttribute("aria-label", close);
    cross.title = close;
    const heading = make("h2", { id: "selection-name" }, title);
    this.box.replaceChildren(make("div", { class: "selection-head" }, heading, cross), ...parts);
    this.box.hidden = false;
    element("figures").scrollTop = 0;
  }

  private announce(name: string, figures: Figures): void {
    const year = this.settings.years.at(-1) ?? 0;
    const share = percentOfLand(sealed(figures, year), figures);
    const value =
      share === null
        ? this.text.of("app.no_land")
        : `${this.text.of("app.legend.share.value", { value: this.text.share(share) })}, ${year}`;
    this.say(this.text.of("app.selection.announce", { name, value }));
  }

  private fact(key: string, value: Node | string): HTMLElement[] {
    return [make("dt", {}, this.text.of(key)), make("dd", {}, value)];
  }

  private extent(figures: Figures): HTMLElement[] {
    const hectares = (squareMetres: number) => `${this.text.hectares(squareMetres)}\u00a0ha`;
    return [
      ...this.fact("app.selection.land", hectares(land(figures))),
      ...this.fact("app.selection.mapped", hectares(figures["valid_m2"] ?? 0)),
    ];
  }

  private insideOf(keys: AreaKey[]): HTMLElement[] {
    const areas = keys.flatMap(({ layer, id }) => findArea(this.settings, layer, id) ?? []);
    if (areas.length === 0) {
      return [];
    }
    const links = areas.flatMap((area, place) => [
      place > 0 ? ", " : "",
      button(area.name, "text-button", () => this.actions.choose(area)),
    ]);
    return this.fact("app.selection.inside", make("span", {}, ...links));
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

  /** Return the tables of all figures, with a note under those of change. */
  tables(figures: Figures, note: string): HTMLElement[] {
    const { years, pairs } = this.settings;
    const state = this.table("app.selection.state", years.map(String), this.stateLines(figures));
    if (pairs.length === 0) {
      return [state];
    }
    const change = this.table("app.selection.change", this.pairHeads(), this.changeLines(figures));
    const names = pairs.map(([first, last]) => `${first}_${last}`);
    const further = this.indicatorLines(this.settings.indicators.pair, names, figures);
    return [
      state,
      ...this.notes(true),
      change,
      make("p", { class: "table-note" }, this.text.of(note)),
      ...(further.length > 0
        ? [this.table("app.selection.indicators", this.pairHeads(), further)]
        : []),
      ...this.notes(false),
    ];
  }

  /** Years that must not be compared without a warning carry its sign. */
  private pairHeads(): (Node | string)[] {
    return this.settings.pairs.map(([first, last]) => {
      const name = `${first}–${last}`;
      const warned = this.settings.notes.some(
        ({ pair, severe }) => severe && pair[0] === first && pair[1] === last,
      );
      return warned ? make("span", {}, name, " ", sign(this.text.of("app.warning"))) : name;
    });
  }

  private notes(severe: boolean): HTMLElement[] {
    return this.settings.pairs.flatMap(([first, last]) => {
      const texts = this.settings.notes.filter(
        (note) => note.severe === severe && note.pair[0] === first && note.pair[1] === last,
      );
      if (texts.length === 0) {
        return [];
      }
      const pair = `${first}–${last}`;
      const head = severe
        ? make("h3", {}, sign(), " ", this.text.of("app.selection.warning", { pair }))
        : make("h3", {}, this.text.of("app.selection.remark", { pair }));
      const words = texts.map(({ text }) => make("p", {}, text));
      return [make("div", { class: severe ? "warning" : "note", role: "note" }, head, ...words)];
    });
  }

  private hectares(squareMetres: number, figures: Figures, signed = false): string {
    return hasData(figures) ? this.text.hectares(squareMetres, signed) : this.text.of("app.none");
  }

  private stateLines(figures: Figures): Line[] {
    const { years } = this.settings;
    const share = (year: number) => percentOfLand(sealed(figures, year), figures);
    return [
      { label: "share", values: years.map((year) => this.text.share(share(year))) },
      {
        label: "sealed",
        values: years.map((year) => this.hectares(sealed(figures, year), figures)),
      },
      ...this.indicatorLines(this.settings.indicators.year, years.map(String), figures),
    ];
  }

  private changeLines(figures: Figures): Line[] {
    return [...this.judgedLines(figures), ...this.rawLines(figures)];
  }

  private judgedLines(figures: Figures): Line[] {
    const each = (write: (found: ReturnType<typeof judged>) => string) =>
      this.settings.pairs.map((pair: Pair) => write(judged(figures, pair)));
    const none = this.text.of("app.none");
    const { signals } = this.settings;
    return [
      { label: "confirmed", values: each(({ confirmed }) => this.hectares(confirmed, figures)) },
      { label: "adjusted", values: each(({ net }) => this.hectares(net, figures, true)) },
      {
        label: "interval",
        values: each(({ low, high }) => (hasData(figures) ? this.text.interval(low, high) : none)),
      },
      { label: "signal", values: each(({ signal }) => this.text.of(`app.signal.${signals[signal]}`)) },
      {
        label: "adjusted_pp",
        values: each(({ net }) => this.text.points(percentOfLand(net, figures))),
      },
    ];
  }

  private rawLines(figures: Figures): Line[] {
    const each = (write: (gain: number, loss: number) => string) =>
      this.settings.pairs.map((pair: Pair) => {
        const { gain, loss } = flows(figures, pair);
        return write(gain, loss);
      });
    const lines: Line[] = [
      { label: "new", values: each((gain) => this.hectares(gain, figures)) },
      { label: "unsealed", values: each((_, loss) => this.hectares(loss, figures)) },
      { label: "net", values: each((gain, loss) => this.hectares(gain - loss, figures, true)) },
      {
        label: "net_pp",
        values: each((gain, loss) => this.text.points(percentOfLand(gain - loss, figures))),
      },
    ];
    return lines.map((line) => ({ ...line, isRaw: true }));
  }

  /** Return a line per indicator that is known of any of the years or pairs. */
  private indicatorLines(indicators: Indicator[], names: string[], figures: Figures): Line[] {
    return indicators.flatMap((indicator) => {
      const found = names.map((name) =>
        indicator.columns.map((column) => figures[column.replace("{}", name)]),
      );
      return found.flat().some((value) => value !== undefined)
        ? [{ label: indicator.label, values: found.map((ends) => this.written(indicator, ends)) }]
        : [];
    });
  }

  private written(indicator: Indicator, values: (number | undefined)[]): string {
    const [value, high] = values;
    if (value === undefined || (values.length > 1 && high === undefined)) {
      return this.text.of("app.none");
    }
    if (high !== undefined) {
      return this.text.interval(value, high);
    }
    return indicator.digits === null
      ? this.text.hectares(value, indicator.signed)
      : this.text.number(value * indicator.scale, indicator.digits, indicator.signed);
  }

  private table(caption: string, heads: (Node | string)[], lines: Line[]): HTMLTableElement {
    const measure = this.text.of("app.selection.measure");
    const head = make(
      "tr",
      {},
      make("th", { scope: "col" }, measure),
      ...heads.map((name) => make("th", { scope: "col", class: "number" }, name)),
    );
    const rows = lines.map(({ label, values, isRaw }) =>
      make(
        "tr",
        isRaw ? { class: "raw" } : {},
        make("th", { scope: "row" }, this.text.of(`app.figure.${label}`)),
        ...values.map((value) => make("td", { class: "number" }, value)),
      ),
    );
    return make(
      "table",
      { class: "figures" },
      make("caption", {}, this.text.of(caption)),
      make("thead", {}, head),
      make("tbody", {}, ...rows),
    );
  }
}
