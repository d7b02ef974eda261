// The one headline of a place, by the rule that the build follows too (hexseal/pages/headline.py):
// change both together; tests/headline_cases.json holds cases that both must pass.

import { ofPair, type PairColumn } from "../shared/columns.ts";
import { make } from "../shared/dom.ts";
import { hasData, type Pair, percentOfLand, sealed } from "../shared/measures.ts";
import type { Figures, Grade, Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

export type Verdict = "grew" | "shrank" | "unclear" | "inconclusive" | "incomparable";

/** Net change between two years in square metres a year; null where the maps support no figure. */
export interface Period {
  pair: Pair;
  grade: Grade;
  low: number | null;
  middle: number | null;
  high: number | null;
  confirmed: number | null;
  byModel: boolean;
}

export interface Headline {
  /** Text whose parts between asterisks are strong. */
  sentence: string;
  grade: Grade | null;
  note: string;
  period: Period | null;
}

export function isSupported(grade: Grade): boolean {
  return grade === "reference" || grade === "consistent";
}

/** Return which figure can be stated: growth only where the whole interval lies above 0. */
export function verdictOf({ grade, low, high }: Period): Verdict {
  if (grade === "incomparable") {
    return "incomparable";
  }
  if (!isSupported(grade) || low === null || high === null) {
    return "inconclusive";
  }
  return low > 0 ? "grew" : high < 0 ? "shrank" : "unclear";
}

export function hasFigure(period: Period): boolean {
  return ["grew", "shrank", "unclear"].includes(verdictOf(period));
}

export function gradeOf(settings: Settings, figures: Figures, pair: Pair): Grade {
  const key = pair.join("_");
  const whole = settings.grades[key]?.grade ?? "inconclusive";
  const own = figures[ofPair("grade", key)];
  const isMeasured = own !== undefined && settings.gradeNames[own] === "reference";
  return (isSupported(whole) || isMeasured) && own !== undefined ? (settings.gradeNames[own] ?? whole) : whole;
}

export function periodsOf(settings: Settings, figures: Figures): Period[] {
  return settings.pairs.map((pair) => {
    const span = pair[1] - pair[0];
    const grade = gradeOf(settings, figures, pair);
    const of = (name: PairColumn) => (isSupported(grade) ? (figures[ofPair(name, pair)] ?? null) : null);
    const yearly = (name: PairColumn) => {
      const value = of(name);
      return value === null ? null : value / span;
    };
    return {
      pair,
      grade,
      low: yearly("adjusted_low_m2"),
      middle: yearly("adjusted_m2"),
      high: yearly("adjusted_high_m2"),
      confirmed: of("confirmed_m2"),
      byModel: settings.modelYears.includes(pair[1]),
    };
  });
}

/** Return the longest period that has a figure, the later of two; else the longest of all. */
export function chosenPeriod(periods: Period[]): Period | null {
  const span = ({ pair }: Period) => pair[1] - pair[0];
  const ranked = [...periods].sort((a, b) => span(b) - span(a) || b.pair[1] - a.pair[1]);
  return ranked.find(hasFigure) ?? ranked[0] ?? null;
}

export function headlineOf(settings: Settings, text: Text, figures: Figures): Headline {
  const year = settings.years.at(-1) ?? 0;
  const share = hasData(figures) ? percentOfLand(sealed(figures, year), figures) : null;
  if (share === null) {
    const key = hasData(figures) ? "app.head.no_land" : "app.head.no_data";
    return { sentence: text.of(key), grade: null, note: "", period: null };
  }
  const first = text.of("app.head.share", { share: shareText(text, share), year });
  const period = chosenPeriod(periodsOf(settings, figures));
  if (period === null) {
    return { sentence: first, grade: null, note: "", period };
  }
  const sentence = `${first} ${changeSentence(text, period, year)}`;
  return { sentence, grade: period.grade, note: gradeNote(settings, text, period), period };
}

/** Return the second sentence; `year` is the one of the share. */
export function changeSentence(text: Text, period: Period, year: number): string {
  const verdict = verdictOf(period);
  const [first, last] = period.pair;
  if (verdict === "inconclusive" || verdict === "incomparable") {
    return text.of(`app.head.${verdict}`, { first });
  }
  const [low, high] = intervalEnds(text, period.low ?? 0, period.high ?? 0, verdict === "shrank");
  const since = text.of(last === year ? "app.head.since" : "app.head.between", { first, last });
  const places = hectaresText(text, period.confirmed ?? 0);
  const isMeasured = period.grade === "reference";
  const hasPlaces = verdict !== "shrank" && (period.confirmed ?? 0) > 0 && !isMeasured;
  const kind = verdict === "unclear" && isMeasured ? ".measured" : hasPlaces ? ".places" : "";
  return text.of(`app.head.${verdict}${kind}`, { low, high, since, places });
}

function gradeNote(settings: Settings, text: Text, { grade, pair }: Period): string {
  const whole = settings.grades[pair.join("_")];
  return whole?.grade === grade ? whole.note : text.of(grade === "inconclusive" ? "app.brief.local" : `app.grade.${grade}.note`);
}

/** Signs only where the ends lie on either side of 0; a loss is stated by its size. */
export function intervalEnds(text: Text, low: number, high: number, isLoss: boolean): [string, string] {
  if (isLoss) {
    return [hectaresText(text, -high), hectaresText(text, -low)];
  }
  const signed = low <= 0 && high >= 0;
  return [hectaresText(text, low, signed), hectaresText(text, high, signed)];
}

/** Write the interval of a bar, a sign on both ends; "" where there is none. */
export function signedInterval(text: Text, period: Period): string {
  if (!hasFigure(period)) {
    return "";
  }
  const [low, high] = [period.low, period.high].map((end) => hectaresText(text, end ?? 0, true));
  return text.of("app.interval", { low: low ?? "", high: high ?? "" });
}

const MOST_DIGITS = 4;

/** Write square metres as hectares: one decimal below 100, two below 0.1, never a false 0. */
export function hectaresText(text: Text, squareMetres: number, signed = false): string {
  const value = squareMetres / 10_000;
  const size = Math.abs(value);
  let digits = size >= 99.95 ? 0 : size >= 0.1 ? 1 : 2;
  while (value !== 0 && digits < MOST_DIGITS && Math.round(size * 10 ** digits + 1e-9) === 0) {
    digits += 1;
  }
  return text.number(value, digits, signed);
}

export function shareText(text: Text, percent: number): string {
  return text.number(percent, percent >= 0.1 || percent === 0 ? 1 : 2);
}

/** Return text whose parts between asterisks are strong. */
export function marked(words: string): (Node | string)[] {
  return words.split("*").map((part, place) => (place % 2 === 1 ? make("strong", {}, part) : part));
}

/** Return the headline and its badge as the templates write them (macros.html.jinja). */
export function headlineParts(text: Text, { sentence, grade, note }: Headline): HTMLElement[] {
  const words = make("p", { class: "headline" });
  words.append(...marked(sentence));
  return grade === null ? [words] : [words, gradeLine(text, grade, note)];
}

export function badge(text: Text, grade: Grade): HTMLElement {
  return make("span", { class: `grade ${grade}` }, text.of(`app.grade.${grade}`));
}

function gradeLine(text: Text, grade: Grade, note: string): HTMLElement {
  return make("p", { class: "grade-line" }, badge(text, grade), " ", make("span", { class: "grade-note" }, note));
}
