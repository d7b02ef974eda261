// A pace that every place has to reach, and how far one keeps it, by the same rule as the build
// (target_view in hexseal/pages/headline.py); a slider tries another reduction.

import { make } from "../shared/dom.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import type { Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";
import { hasFigure, hectaresText, type Period, periodsOf } from "./headline.ts";

const STEP = 5;

/** The pace that a target allows a place, square metres a year; null where there is none. */
export function paceOf(settings: Settings, figures: Figures, reduction: number | null): number | null {
  const { target } = settings;
  const base = periodsOf(settings, figures).find(({ pair }) => pair.join() === target?.base.join());
  if (target === null || base === undefined || !hasFigure(base) || (base.middle ?? 0) <= 0) {
    return null;
  }
  return (base.middle ?? 0) * (1 - (reduction ?? target.reduction) / 100);
}

/** Return the target of a place with its slider; null where it has none. */
export function targetSection(settings: Settings, text: Text, store: Store, figures: Figures): HTMLElement | null {
  const { target } = settings;
  if (target === null || paceOf(settings, figures, null) === null) {
    return null;
  }
  const words = make("p", { "aria-live": "polite" });
  const value = make("output", {});
  const slider = make("input", { type: "range", min: "0", max: "100", step: String(STEP) });
  const show = () => {
    const reduction = store.state.reduction ?? target.reduction;
    const key = reduction === 100 ? "none" : "less";
    const values = { reduction: text.plain(reduction), year: target.year };
    const question = make("strong", {}, text.of(`app.target.question.${key}`, values));
    words.replaceChildren(question, " ", targetAnswer(settings, text, figures, reduction));
    value.textContent = text.of("app.target.value", values);
    slider.value = String(reduction);
  };
  slider.addEventListener("input", () => {
    const chosen = Number(slider.value);
    store.set({ reduction: chosen === target.reduction ? null : chosen });
    show();
  });
  show();
  const label = make("label", { class: "target-slider" }, text.of("app.target.slider"), slider, value);
  return make("section", { class: "target" }, words, label);
}

/** Show whether the pace since the base period keeps the target, and what is used of the budget. */
export function targetAnswer(settings: Settings, text: Text, figures: Figures, reduction: number): string {
  const { target, years } = settings;
  const pace = paceOf(settings, figures, reduction) ?? 0;
  const [first, last] = [target?.base[1] ?? 0, years.at(-1) ?? 0];
  const since = periodsOf(settings, figures).find(({ pair }) => pair[0] === first && pair[1] === last);
  if (since === undefined || !hasFigure(since)) {
    return text.of("app.target.unknown", { first });
  }
  const [low, high] = [since.low ?? 0, since.high ?? 0];
  const word = text.of(`app.target.${high <= pace ? "yes" : low > pace ? "no" : "unclear"}`);
  const budget = pace * ((target?.year ?? 0) - first);
  return budget <= 0 ? word : `${word} ${budgetWords(text, since, budget, target?.year ?? 0)}`;
}

function budgetWords(text: Text, { pair, low, high }: Period, budget: number, year: number): string {
  const span = pair[1] - pair[0];
  const used = [low, high].map((end) => text.number(Math.max(0, (100 * (end ?? 0) * span) / budget), 0));
  const values = { low: used[0] ?? "", high: used[1] ?? "", budget: hectaresText(text, budget), year, last: pair[1] };
  return text.of("app.target.budget", values);
}
