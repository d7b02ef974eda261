// All figures of a unit as tables: sealed land by year, change and indicators by pair of years.

import { make } from "../shared/dom.ts";
import { flows, hasData, judged, type Pair, percentOfLand, sealed } from "../shared/measures.ts";
import type { Figures, Indicator, Settings } from "../shared/settings.ts";
import { sign } from "../shared/sign.ts";
import type { Text } from "../shared/text.ts";
import { isDoubtful } from "./years.ts";

interface Line {
  label: string;
  values: string[];
  /** Only compares the maps, noise included. */
  isRaw?: boolean;
}

export class FigureTables {
  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
  ) {}

  /** Return all tables, folded; `note` is the key of the note on raw figures. */
  of(figures: Figures, note: string): HTMLElement {
    return make(
      "details",
      { class: "all-figures" },
      make("summary", {}, this.text.of("app.selection.all")),
      ...this.tables(figures, note),
    );
  }

  private tables(figures: Figures, note: string): HTMLElement[] {
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
      change,
      make("p", { class: "table-note" }, this.text.of(note)),
      ...(further.length > 0
        ? [this.table("app.selection.indicators", this.pairHeads(), further)]
        : []),
    ];
  }

  /** Years that must not be compared without a warning carry its sign. */
  private pairHeads(): (Node | string)[] {
    return this.settings.pairs.map(([first, last]) => {
      const name = `${first}–${last}`;
      return isDoubtful(this.settings, [first, last])
        ? make("span", {}, name, " ", sign(this.text.of("app.warning")))
        : name;
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
