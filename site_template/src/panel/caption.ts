// The text of a picture or an embedded place, so that no warning is left behind.

import type { Caption } from "../map/picture.ts";
import type { Legend } from "../map/legend.ts";
import type { Pair } from "../shared/measures.ts";
import type { Figures, Measure, Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";
import { type Headline, headlineOf } from "./headline.ts";
import { isPair } from "./years.ts";

const EMBED = "embed.html";

export function captionOf(
  settings: Settings,
  text: Text,
  { title, figures }: { title: string; figures: Figures },
  measure: Measure,
  legend: Pick<Legend, "title" | "entries">,
): Caption {
  const head = headlineOf(settings, text, figures);
  const badge =
    head.grade === null
      ? null
      : { words: text.of(`app.grade.${head.grade}`), name: head.grade, note: head.note };
  return {
    region: settings.region.title,
    place: title,
    headline: head.sentence.replaceAll("*", ""),
    badge,
    warnings: warningsOf(settings, text, head, measure),
    legend: { title: legend.title, entries: legend.entries },
    foot: [versionLine(settings, text), webAddress(settings)],
  };
}

/** Return what must be read with a headline and a map: each reason once. */
export function warningsOf(settings: Settings, text: Text, head: Headline, measure: Measure): string[] {
  const pairs = pairsOf(head, measure);
  const years = new Set([...measure.years, settings.years.at(-1) ?? 0, ...pairs.flat()]);
  const made = settings.modelYears.filter((year) => years.has(year));
  return [
    ...(settings.region.simulated ? [text.of("app.picture.simulated")] : []),
    ...made.map((year) => text.of("app.brief.forward", { year })),
    ...pairs.flatMap((pair) => pairWarnings(settings, text, pair)),
  ];
}

function pairsOf({ period }: Headline, { view, years: [first, last] }: Measure): Pair[] {
  const shown: Pair[] = view === "change" && first !== undefined && last !== undefined ? [[first, last]] : [];
  const chosen = period === null || shown.some((pair) => isPair(pair, period.pair)) ? [] : [period.pair];
  return [...chosen, ...shown];
}

function pairWarnings(settings: Settings, text: Text, pair: Pair): string[] {
  const years = pair.join("–");
  const grade = settings.grades[pair.join("_")];
  const open = grade?.grade === "inconclusive" || grade?.grade === "incomparable" ? grade.reasons : [];
  const severe = settings.notes.filter((note) => note.severe && isPair(note.pair, pair));
  const briefs = [...new Set([...severe.map(({ brief }) => brief), ...open])];
  const isProvisional = settings.provisional.some((each) => isPair(each, pair));
  return [
    ...(briefs.length > 0 ? [`${years}: ${briefs.join("; ")}`] : []),
    ...(isProvisional ? [text.of("app.picture.provisional", { pair: years })] : []),
  ];
}

/** Version and date of the data. */
export function versionLine({ dataset, version }: Settings, text: Text): string {
  const key = dataset.date === "" ? "app.picture.version" : "app.picture.version.dated";
  return text.of(key, { version: dataset.version, date: dataset.date, hexseal: version });
}

/** The address of what is shown on the web; "" where the page was opened from a folder of no known address. */
export function webAddress(settings: Settings, page = "index.html", hash = location.hash): string {
  const { dataset, language, languages } = settings;
  if (location.protocol.startsWith("http")) {
    return new URL(page + hash, location.href).href;
  }
  const folder = language === languages[0] ? "" : `${language}/`;
  return dataset.address === "" ? "" : `${dataset.address}${folder}${page}${hash}`;
}

/** The code that puts what is shown into another page, 3:2; a place is fitted to the frame. */
export function embedCode(settings: Settings, title: string): string {
  const parts = new URLSearchParams(location.hash.replace(/^#/, ""));
  if (parts.has("area")) {
    parts.delete("map");
  }
  const hash = `#${parts.toString().replaceAll("%2F", "/")}`;
  const address = webAddress(settings, EMBED, hash) || new URL(EMBED + hash, location.href).href;
  const name = title === settings.region.title ? title : `${title}, ${settings.region.title}`;
  const style = "width:100%;max-width:620px;aspect-ratio:3/2;border:1px solid #ccc";
  return `<iframe src="${inMarkup(address)}" title="${inMarkup(name)}" loading="lazy" style="${style}"></iframe>`;
}

const NAMED: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Write text so that it may stand in an attribute. */
function inMarkup(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => NAMED[sign] ?? sign);
}

/** How to cite a place of the site. */
export function citation(settings: Settings, text: Text, place: string): string {
  const { dataset, region, years } = settings;
  const span = [...new Set([years[0], years.at(-1)])].join("–");
  const what = place === region.title ? place : `${place} (${region.title})`;
  const parts = [
    text.of("app.cite", { who: dataset.publisher, what, years: span, version: dataset.version }),
    dataset.date,
    webAddress(settings),
    region.attribution,
  ];
  return parts.filter((part) => part !== "").map((part) => part.replace(/\.$/, "")).join(". ") + ".";
}
