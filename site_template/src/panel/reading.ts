// A unit's figures in plain words, as the build says them of areas (hexseal/pages/reading.py);
// change both together.

import { make } from "../shared/dom.ts";
import { flows, hasData, judged, land, type Pair } from "../shared/measures.ts";
import type { Basis, Figures, PairGrade, Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";
import { isDoubtful, isPair } from "./years.ts";

interface Card {
  label: string;
  value: string;
  unit: string;
  details: string[];
}

export class Reader {
  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
  ) {}

  /** Say what changed, how sure that is, and what the raw maps would say. */
  sentence(figures: Figures, pair: Pair, basis: Basis): string {
    const signal = this.signal(figures, pair);
    const sentences = [
      this.text.of(`app.read.${this.caseOf(figures, pair, basis)}`, this.values(figures, pair)),
    ];
    if (basis === "adjusted" && ["gain", "loss", "within_noise"].includes(signal)) {
      const assumption = this.grade(pair)?.assumption ?? "maps_err_alike";
      sentences.push(this.text.of(`app.assume.${this.isReference(figures, pair) ? "sample" : assumption}`));
    }
    const isProvisional = this.settings.provisional.some((known) => isPair(known, pair));
    const isSettled = this.isReference(figures, pair) || ["no_data", "inconclusive"].includes(signal);
    if (isProvisional && !isSettled) {
      sentences.push(this.text.of("app.read.provisional", { last: pair[1] }));
    }
    return sentences.join(" ");
  }

  /** Say in a few signs what changed: the adjusted net and whether it stands out. */
  brief(figures: Figures, pair: Pair): string {
    const signal = this.signal(figures, pair);
    if (signal === "no_data") {
      return this.text.of("app.none");
    }
    if (signal === "inconclusive") {
      return this.text.of("app.signal.inconclusive");
    }
    const net = this.text.hectares(judged(figures, pair).net, true);
    const key = this.isDoubtful(figures, pair) ? "doubtful" : signal;
    return this.text.of("app.read.brief", { net, signal: this.text.of(`app.signal.${key}`) });
  }

  cards(figures: Figures, pair: Pair, basis: Basis): HTMLElement {
    const cards = [...this.changeCards(figures, pair, basis === "raw"), ...this.inhabitants(figures)];
    const made = cards.map(({ label, value, unit, details }) =>
      make(
        "div",
        { class: "card" },
        make("p", { class: "card-label" }, label),
        make("p", { class: "card-value" }, value, " ", make("span", { class: "unit" }, unit)),
        ...details.map((detail) => make("p", { class: "card-detail" }, detail)),
      ),
    );
    return make("div", { class: cards.length === 3 ? "cards three" : "cards" }, ...made);
  }

  private signal(figures: Figures, pair: Pair): string {
    const code = figures[`signal_${pair[0]}_${pair[1]}`];
    return (code === undefined ? undefined : this.settings.signals[code]) ?? "no_data";
  }

  /** Whether a labelled sample supports the figures of this unit, whatever the maps are worth. */
  isReference(figures: Figures, pair: Pair): boolean {
    return figures[`reference_${pair[0]}_${pair[1]}`] === 1;
  }

  private kind(figures: Figures, pair: Pair): string {
    return this.isReference(figures, pair) ? "confidence" : (this.grade(pair)?.interval ?? "noise");
  }

  private isDoubtful(figures: Figures, pair: Pair): boolean {
    return isDoubtful(this.settings, pair) && !this.isReference(figures, pair);
  }

  private grade(pair: Pair): PairGrade | undefined {
    return this.settings.judged[`${pair[0]}_${pair[1]}`];
  }

  /** Return in a few words why the maps support no figure: of the pair, or of this place only. */
  private reasons(pair: Pair): string {
    const found = this.grade(pair);
    return found?.grade === "inconclusive" ? found.reasons.join(", ") : this.text.of("app.brief.local");
  }

  private caseOf(figures: Figures, pair: Pair, basis: Basis): string {
    const signal = this.signal(figures, pair);
    if (signal === "no_data") {
      return signal;
    }
    if (land(figures) === 0) {
      return "no_land";
    }
    if (signal === "inconclusive") {
      return signal;
    }
    if (basis === "raw") {
      return "raw";
    }
    const doubtful = this.isDoubtful(figures, pair);
    if (basis === "confirmed") {
      const { confirmed } = judged(figures, pair);
      return confirmed === 0 ? "confirmed.none" : doubtful ? "confirmed.doubtful" : "confirmed.some";
    }
    return doubtful ? "adjusted.doubtful" : `adjusted.${signal}`;
  }

  private values(figures: Figures, pair: Pair) {
    const { text } = this;
    const known = hasData(figures);
    const write = (squareMetres: number, signed = false) =>
      known ? text.hectares(squareMetres, signed) : text.of("app.none");
    const { gain, loss } = flows(figures, pair);
    const { confirmed, net, low, high } = judged(figures, pair);
    return {
      first: pair[0],
      last: pair[1],
      net: write(Math.abs(net)),
      signed: write(net, true),
      interval: known ? text.interval(low, high) : text.of("app.none"),
      gain: write(gain),
      loss: write(loss),
      rawNet: write(gain - loss, true),
      confirmed: write(confirmed),
      level: text.number(100 * this.settings.level, 0),
      kind: text.of(`app.kind.${this.kind(figures, pair)}`),
      reasons: this.reasons(pair),
      command: this.grade(pair)?.command ?? "",
    };
  }

  private changeCards(figures: Figures, pair: Pair, isRaw: boolean): Card[] {
    const { text } = this;
    const values = this.values(figures, pair);
    const unit = text.of("app.unit.hectares");
    const card = (key: string, value: string, ...details: string[]): Card => ({
      label: text.of(`app.card.${key}`),
      value,
      unit,
      details,
    });
    if (this.signal(figures, pair) === "inconclusive") {
      const [grade, detail] = [text.of("app.signal.inconclusive"), text.of("app.card.not_change")];
      return [
        { label: text.of("app.card.grade"), value: grade, unit: "", details: [values.reasons] },
        card("new_raw", values.gain, detail),
        card("returned", values.loss, detail),
      ];
    }
    const returned = card("returned", values.loss, text.of("app.card.unconfirmed"));
    if (isRaw) {
      return [
        card("new_raw", values.gain, text.of("app.card.confirmed_beside", values)),
        returned,
        card("net_raw", values.rawNet, text.of("app.card.signed_beside", values)),
      ];
    }
    const raw = (value: string) => text.of("app.card.raw", { value });
    const ends = text.of(`app.card.interval.${this.kind(figures, pair)}`, values);
    const isConfirmed = figures[`confirmed_m2_${pair[0]}_${pair[1]}`] !== undefined;
    return [
      isConfirmed
        ? card("new_confirmed", values.confirmed, raw(values.gain))
        : card("new_raw", values.gain, text.of("app.card.not_change")),
      returned,
      card("net_adjusted", values.signed, ends, raw(values.rawNet)),
    ];
  }

  /** Return a card of the last year whose inhabitants are known. */
  private inhabitants(figures: Figures): Card[] {
    const of = (year: number) => figures[`sealed_m2_per_inhabitant_${year}`];
    const year = this.settings.years.findLast((known) => of(known) !== undefined);
    return year === undefined
      ? []
      : [
          {
            label: this.text.of("app.card.per_inhabitant", { year }),
            value: this.text.number(of(year) ?? 0, 0),
            unit: this.text.of("app.unit.square_metres"),
            details: [],
          },
        ];
  }
}
