// A page in another page's frame: one place or one view of the map, without controls. Badge and
// warnings always stay.

import { make } from "../shared/dom.ts";
import { element, type Figures, type Measure, type Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";
import { versionLine, warningsOf } from "./caption.ts";
import { headlineOf } from "./headline.ts";

export function isEmbedded(): boolean {
  return document.documentElement.classList.contains("embedded");
}

/** Write warnings, sources and the way to the whole page below a place; return what does it again. */
export function dressEmbed(
  settings: Settings,
  text: Text,
  place: () => { title: string; figures: Figures },
  measure: () => Measure,
): () => void {
  const fill = () => {
    const head = headlineOf(settings, text, place().figures);
    const warnings = warningsOf(settings, text, head, measure());
    const named = document.querySelector(".maplibregl-ctrl-attrib-inner")?.textContent;
    const sources = [named || settings.region.attribution, versionLine(settings, text)];
    element("embed-warnings").replaceChildren(...warnings.map((words) => make("li", {}, words)));
    element("embed-sources").textContent = sources.join(" · ");
    element<HTMLAnchorElement>("embed-open").hash = location.hash;
  };
  addEventListener("hashchange", () => setTimeout(fill));
  return fill;
}
