// What the panel shows of an answered area: sentence, how it was computed, tables; and several
// areas side by side.

import { make } from "../shared/dom.ts";
import type { Pair } from "../shared/measures.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import { sign } from "../shared/sign.ts";
import type { Text } from "../shared/text.ts";
import type { Answer } from "./answer.ts";
import { compareRows, longestPair } from "./words.ts";

export type Found =
  | { name: string; figures: Figures; method: "pixels" }
  | { name: string; figures: Figures; method: "hexagons"; answer: Answer };

export function answerParts(
  found: Found,
  tables: HTMLElement[],
  settings: Settings,
  text: Text,
): HTMLElement[] {
  return [
    make("h3", { class: "own-title" }, found.name),
    ...warningOf(longestPair(settings), settings, text),
    make("p", { class: "detail" }, ...methodOf(found, text)),
    ...leftOut(found, settings, text),
    ...tables,
  ];
}

/** No change stands without the warning of its years. */
function warningOf(pair: Pair | null, { notes }: Settings, text: Text): HTMLElement[] {
  const isDoubtful = notes.some(
    (note) => note.severe && note.pair[0] === pair?.[0] && note.pair[1] === pair[1],
  );
  const words = text.of("app.selection.warning", { pair: pair?.join("–") ?? "" });
  return isDoubtful ? [make("p", { class: "own-warning" }, sign(), " ", words)] : [];
}

/** Return which part of a shape no figure of change covers, and what that makes of its figures. */
function leftOut(found: Found, { noise }: Settings, text: Text): HTMLElement[] {
  const shares = found.method === "hexagons" ? Object.entries(found.answer.ungraded) : [];
  return shares.map(([pair, share]) => {
    const isMost = share > (noise[pair]?.most_doubtful ?? 0);
    const values = { pair: pair.replace("_", "–"), percent: text.number(100 * share, 1) };
    const words = text.of(isMost ? "app.custom.ungraded.most" : "app.custom.ungraded.part", values);
    return make("p", { class: "own-warning" }, sign(), " ", words);
  });
}

function methodOf(found: Found, text: Text): string[] {
  if (found.method === "pixels") {
    return [text.of("app.custom.method.pixels")];
  }
  const { size, whole, cut, border, mapped, isRough } = found.answer;
  const values = {
    size: text.number(size / 1e6, 2),
    whole: text.number(whole, 0),
    cut: text.number(cut, 0),
    mapped: text.number(100 * mapped, 1),
  };
  const parts = [text.of(`app.custom.method.${border}_border`, values)];
  return isRough ? [...parts, " ", text.of("app.custom.method.rough")] : parts;
}

export function compareTable(
  columns: { name: string; figures: Figures | null }[],
  pair: Pair | null,
  settings: Settings,
  text: Text,
): HTMLElement {
  const rows = compareRows(
    columns.map(({ figures }) => figures),
    pair,
    settings,
    text,
  );
  const head = make(
    "tr",
    {},
    make("th", { scope: "col" }, text.of("app.selection.measure")),
    ...columns.map(({ name }) => make("th", { scope: "col", class: "number" }, name)),
  );
  const body = rows.map(({ label, values }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, label),
      ...values.map((value) => make("td", { class: "number" }, value)),
    ),
  );
  const caption = text.of("app.custom.compare");
  const table = make(
    "table",
    { class: "figures own-compare" },
    make("caption", {}, caption),
    make("thead", {}, head),
    make("tbody", {}, ...body),
  );
  const frame = { class: "own-scroll", tabindex: "0", role: "region", "aria-label": caption };
  return make("div", {}, ...warningOf(pair, settings, text), make("div", frame, table));
}
