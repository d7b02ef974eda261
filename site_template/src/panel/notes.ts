// Reasons against comparing two years: what it is about at once, the whole text on demand.

import { make } from "../shared/dom.ts";
import type { Pair } from "../shared/measures.ts";
import type { Settings } from "../shared/settings.ts";
import { sign } from "../shared/sign.ts";
import type { Text } from "../shared/text.ts";
import { isPair } from "./years.ts";

/** Return the box of a pair's severe notes, or of its other notes; null where there are none. */
export function pairNotes(
  { notes }: Settings,
  text: Text,
  pair: Pair,
  kind: "warning" | "note",
): HTMLElement | null {
  const found = notes.filter((note) => note.severe === (kind === "warning") && isPair(note.pair, pair));
  if (found.length === 0) {
    return null;
  }
  const key = kind === "warning" ? "app.selection.warning" : "app.selection.remark";
  const title = make("strong", {}, text.of(key, { pair: pair.join("–") }));
  if (kind === "warning") {
    title.prepend(sign(), " ");
  }
  const brief = make("span", { class: "reasons" }, found.map((note) => note.brief).join("; "));
  return make(
    "div",
    { class: kind, role: "note", tabindex: "-1", "data-notes": pair.join("-") },
    make(
      "details",
      {},
      make("summary", {}, title, " ", brief),
      ...found.map((note) => make("p", {}, note.text)),
    ),
  );
}
