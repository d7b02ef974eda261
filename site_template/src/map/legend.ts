// The legend: every class with its edges, none, water, no data, and what it means. Pointing at a
// class lets the others step back on the map.

import { meanArea } from "./cells.ts";
import { button, make } from "../shared/dom.ts";
import { findArchive } from "./archives.ts";
import { groundArchive } from "./ground.ts";
import { PAIR_CLASSES, pixelColor, YEAR_CLASSES } from "./pixels.ts";
import { unsureRows } from "./unsure.ts";
import type { Palette } from "./palette.ts";
import { element, type Measure, type Settings } from "../shared/settings.ts";
import { sign } from "../shared/sign.ts";
import type { ClassKey, Look } from "./style.ts";
import type { Text } from "../shared/text.ts";

export interface LegendActions {
  highlight(key: ClassKey | null): void;
  zoomTo(zoom: number): void;
}

/** What a picture of the map writes beside it; null: an outline without a filling. */
export interface LegendEntry {
  color: string | null;
  words: string;
}

export class Legend {
  title = "";
  entries: LegendEntry[] = [];
  private readonly box = element("legend");
  private readonly resolution = make("p", { class: "legend-resolution" });
  private written = "";
  private pinned: ClassKey | null = null;

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly actions: LegendActions,
  ) {
    this.box.setAttribute("aria-label", text.of("app.legend"));
    this.showUnits(null, settings.tiles.bands[0]?.resolution ?? 0);
    this.box.addEventListener("keydown", (event) => moveFocus(this.box, event));
    // On a phone only the colours show; a touch unfolds the rest.
    this.box.addEventListener("click", ({ target }) => {
      if (target instanceof Element && target.closest("button") === null) {
        this.box.classList.toggle("unfolded");
      }
    });
  }

  show(look: Look, zoom: number): void {
    const archive = groundArchive(this.settings, look.ground);
    const isClose = archive !== undefined && zoom >= archive.minzoom;
    const patches = findArchive(this.settings, "patches");
    const seesPatches = patches !== undefined && zoom >= patches.minzoom;
    // What is highlighted must not build the legend again under the pointer.
    const { measure, palette, ground, unsure } = look;
    const written = JSON.stringify([measure.id, palette.name, ground, unsure, isClose, seesPatches, look.beside]);
    if (written === this.written) {
      return;
    }
    this.written = written;
    this.entries = [];
    if (this.pinned !== null) {
      this.pinned = null;
      this.actions.highlight(null);
    }
    const parts = isClose ? this.ground(look) : this.hexagons(look);
    if (patches !== undefined && look.ground.patches !== "") {
      parts.splice(-1, 0, this.patches(look.palette, patches.minzoom, seesPatches));
    }
    this.box.replaceChildren(...parts.filter((part) => part !== null));
    this.box.querySelectorAll("button.class").forEach((one, place) => {
      one.setAttribute("tabindex", place === 0 ? "0" : "-1");
    });
    this.box.hidden = false;
  }

  /** Name what is filled: areas by the title of their layer, or hexagons of a resolution. */
  showUnits(layer: string | null, resolution: number): void {
    const area = this.text.cellArea(meanArea(resolution));
    const words =
      layer === null
        ? this.text.of("app.legend.resolution", { resolution, area })
        : this.text.of("app.legend.areas", { layer });
    // Screen readers speak the legend when it changes, not at every step of a zoom.
    if (this.resolution.textContent !== words) {
      this.resolution.textContent = words;
    }
  }

  private hexagons(look: Look): (HTMLElement | null)[] {
    const { measure, palette, unsure } = look;
    const { view, basis } = measure;
    const key = `app.legend.${basis ?? view}`;
    const years = yearsOf(look);
    const unit = this.text.of(`app.legend.${view}.unit`);
    const grade = this.settings.grades[measure.years.join("_")]?.grade ?? "consistent";
    if (measure.signal !== null && !unsure && !["reference", "consistent"].includes(grade)) {
      const words = this.text.of("app.legend.nothing");
      return [
        this.head(this.text.of(key, { year: years, pair: years }), ""),
        this.others(palette, measure, unsure),
        make("p", { class: "legend-meaning" }, words),
        this.warning(measure),
        this.resolution,
      ];
    }
    return [
      this.head(this.text.of(key, { year: years, pair: years }), unit),
      unsure ? this.wedge(palette, unit) : this.ramp(look, unit),
      this.others(palette, measure, unsure),
      this.warning(measure),
      make("p", { class: "legend-meaning" }, this.text.of(unsure ? "app.legend.unsure.meaning" : `${key}.meaning`)),
      this.further(look),
      this.resolution,
    ];
  }

  /** Single pixels or an image: what is seen instead of coloured hexagons. */
  private ground(look: Look): (HTMLElement | null)[] {
    const { ground, palette, measure } = look;
    const years = yearsOf(look);
    if (ground.kind === "images") {
      return [
        this.head(this.text.of("app.legend.image", { year: look.beside === 0 ? ground.image : years }), ""),
        make("p", { class: "legend-meaning" }, this.text.of("app.legend.image.meaning")),
      ];
    }
    const list = make("ul", { class: "legend-others legend-pixels" });
    for (const kind of measure.view === "share" ? YEAR_CLASSES : PAIR_CLASSES) {
      this.item(list, pixelColor(palette, kind), this.text.of(`app.pixel.${kind}`));
    }
    this.item(list, palette.ground.water, this.text.of("app.pixel.water"));
    const meaning = this.text.of(`app.legend.pixels.${measure.view}`);
    return [
      this.head(this.text.of("app.legend.pixels", { years }), ""),
      list,
      this.warning(measure),
      make("p", { class: "legend-meaning" }, meaning),
    ];
  }

  /** The outline of confirmed patches, or the way to where they can be seen. */
  private patches(palette: Palette, zoom: number, areSeen: boolean): HTMLElement {
    if (!areSeen) {
      const act = () => this.actions.zoomTo(zoom);
      const words = this.text.of("app.legend.further.patches");
      return make("p", { class: "legend-further" }, button(words, "text-button", act));
    }
    const outline = make("span", { class: "swatch outline" });
    outline.style.borderColor = palette.patch;
    const words = this.text.of("app.legend.patch");
    this.entries.push({ color: palette.patch, words });
    return make("ul", { class: "legend-others" }, make("li", {}, outline, words));
  }

  private head(title: string, unit: string): HTMLElement {
    this.title = unit === "" ? title : `${title} (${unit})`;
    const name = make("h2", {}, title);
    return make("div", { class: "legend-head" }, name, make("p", { class: "legend-unit" }, unit));
  }

  /** Return how pixels or an image are reached, or that there is none. */
  private further({ ground, measure }: Look): HTMLElement | null {
    if (ground.kind === "hexagons") {
      return null;
    }
    const archive = groundArchive(this.settings, ground);
    if (archive === undefined) {
      const there = this.settings.mapLayers.imageYears.join(", ");
      const year = measure.years.at(-1) ?? 0;
      return make("p", { class: "legend-further" }, this.text.of("app.legend.no_image", { year, years: there }));
    }
    const act = () => this.actions.zoomTo(archive.minzoom);
    const words = this.text.of(`app.legend.further.${ground.kind}`);
    return make("p", { class: "legend-further" }, button(words, "text-button", act));
  }

  /** Colours in a row, each edge written between two of them. */
  private ramp({ palette, measure: { scale } }: Look, unit: string): HTMLElement {
    const edges = this.settings.breaks[scale];
    const write = (edge: number | undefined) => this.text.plain(edge ?? 0, scale === "change");
    const list = make("ol", { class: "ramp" });
    palette.ramps[scale].forEach((color, place) => {
      const low = edges[place - 1];
      const high = edges[place];
      const words =
        low === undefined
          ? this.text.of("app.legend.below", { high: write(high), unit })
          : high === undefined
            ? this.text.of("app.legend.above", { low: write(low), unit })
            : this.text.of("app.legend.between", { low: write(low), high: write(high), unit });
      this.entries.push({ color, words });
      const item = make("li", {}, this.pointer(swatchOf(color), words, place));
      if (high !== undefined) {
        item.append(make("span", { class: "edge", "aria-hidden": "true" }, write(high)));
      }
      list.append(item);
    });
    return list;
  }

  /** The value-suppressing palette: a row for each width of the interval. */
  private wedge(palette: Palette, unit: string): HTMLElement {
    const rows = unsureRows(palette, this.settings.breaks.change);
    const edges = this.settings.breaks.change;
    const list = make("ol", { class: "wedge" });
    rows.forEach(({ colors, upTo }, level) => {
      const before = rows[level - 1]?.upTo ?? 0;
      const words =
        upTo === null
          ? this.text.of("app.legend.unsure.beyond", { half: this.text.plain(before), unit })
          : this.text.of("app.legend.unsure.up_to", { half: this.text.plain(upTo), unit });
      const row = make("div", { class: "wedge-row" });
      for (const { color, size } of colors) {
        const swatch = swatchOf(color);
        swatch.style.flexGrow = String(size);
        row.append(swatch);
        this.entries.push({ color, words });
      }
      list.append(make("li", {}, row, make("span", { class: "wedge-label" }, words)));
    });
    const scale = make("div", { class: "wedge-scale", "aria-hidden": "true" });
    const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 0].map((edge) => this.text.plain(edge, true));
    scale.append(make("span", {}, `≤ ${low}`), make("span", {}, `≥ ${high}`));
    list.append(make("li", {}, scale));
    return list;
  }

  /** Years that do not compare are marked wherever their change is shown. */
  private warning({ view, years }: Measure): HTMLElement | null {
    const isWarned = this.settings.notes.some(
      ({ pair, severe }) => severe && pair.join() === years.join(),
    );
    if (view !== "change" || !isWarned) {
      return null;
    }
    const words = this.text.of("app.selection.warning", { pair: years.join("–") });
    return make("p", { class: "legend-warning" }, sign(), " ", words);
  }

  /** What is not in the ramp: an outline for what is not established, and the ground. */
  private others(palette: Palette, measure: Measure, unsure: boolean): HTMLElement {
    const list = make("ul", { class: "legend-others" });
    if (measure.signal !== null && !unsure) {
      this.item(list, null, this.text.of("app.legend.unclear"));
    }
    if (findArchive(this.settings, "ground") !== undefined) {
      const year = this.settings.years.at(-1) ?? 0;
      this.item(list, palette.ground.sealed, this.text.of("app.legend.sealed", { year }));
      if (this.settings.density !== true) {
        this.item(list, palette.ground.wood, this.text.of("app.legend.wood"));
      }
    }
    return list;
  }

  private item(list: HTMLElement, color: string | null, words: string): void {
    const swatch = color === null ? make("span", { class: "swatch hexagon" }) : swatchOf(color);
    this.entries.push({ color, words });
    list.append(make("li", {}, swatch, words));
  }

  /** Make a class that can be pointed at; a click keeps it, another lets it go. */
  private pointer(swatch: HTMLElement, words: string, key: ClassKey): HTMLElement {
    const one = button("", "class", () => this.pin(one, key));
    one.replaceChildren(swatch);
    one.title = words;
    one.setAttribute("aria-label", this.text.of("app.legend.highlight", { class: words }));
    one.setAttribute("aria-pressed", "false");
    const show = () => this.actions.highlight(key);
    const rest = () => this.actions.highlight(this.pinned);
    one.addEventListener("pointerenter", show);
    one.addEventListener("focus", show);
    one.addEventListener("pointerleave", rest);
    one.addEventListener("blur", rest);
    return one;
  }

  private pin(one: HTMLElement, key: ClassKey): void {
    this.pinned = this.pinned === key ? null : key;
    for (const other of this.box.querySelectorAll("button.class")) {
      other.setAttribute("aria-pressed", String(other === one && this.pinned !== null));
    }
    this.actions.highlight(this.pinned);
  }
}

/** Return the years that are shown: one, a pair, or those on both sides of a divider. */
function yearsOf({ measure, beside }: Look): string {
  const years = measure.years.join("–");
  return beside === 0 ? years : `${beside} | ${years}`;
}

function swatchOf(color: string): HTMLElement {
  const swatch = make("span", { class: "swatch" });
  swatch.style.backgroundColor = color;
  return swatch;
}

/** Left and right lead through the classes: together they are one stop of the tab key. */
function moveFocus(box: HTMLElement, event: KeyboardEvent): void {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
  const all = [...box.querySelectorAll<HTMLElement>("button.class")];
  const at = all.findIndex((one) => one === document.activeElement);
  const next = step === undefined || at < 0 ? undefined : all[at + step];
  if (next !== undefined) {
    event.preventDefault();
    all.forEach((one) => one.setAttribute("tabindex", one === next ? "0" : "-1"));
    next.focus();
  }
}
