// The legend: every class of the ramp with its edges, none, water, no data, and what it means.

import { meanArea } from "./cells.ts";
import { make } from "./dom.ts";
import type { Palette } from "./palette.ts";
import { element, type Measure, type Settings } from "./settings.ts";
import { sign } from "./sign.ts";
import { hasZero } from "./style.ts";
import type { Text } from "./text.ts";

export class Legend {
  private readonly box = element("legend");
  private readonly resolution = make("p", { class: "legend-resolution" });

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
  ) {
    this.box.setAttribute("aria-label", text.of("app.legend"));
    this.showResolution(settings.tiles.bands[0]?.resolution ?? 0);
  }

  show(measure: Measure, palette: Palette): void {
    const { view, scale } = measure;
    const edges = this.settings.breaks[scale];
    const key = measure.basis === null ? `app.legend.${view}` : `app.legend.${measure.basis}`;
    const unit = this.text.of(`app.legend.${view}.unit`);
    const signed = scale === "change";
    const years = measure.years.join("–");
    this.box.replaceChildren(
      make(
        "div",
        { class: "legend-head" },
        make("h2", {}, this.text.of(key, { year: years, pair: years })),
        make("p", { class: "legend-unit" }, unit),
      ),
      this.ramp(palette.ramps[scale], edges, unit, signed),
      this.others(palette, measure),
      ...this.warning(measure),
      make("p", { class: "legend-meaning" }, this.text.of(`${key}.meaning`)),
      this.resolution,
    );
    this.box.hidden = false;
  }

  showResolution(resolution: number): void {
    const area = this.text.cellArea(meanArea(resolution));
    const words = this.text.of("app.legend.resolution", { resolution, area });
    // Screen readers speak the legend when it changes, not at every step of a zoom.
    if (this.resolution.textContent !== words) {
      this.resolution.textContent = words;
    }
  }

  /** Colours in a row, each edge written between two of them. */
  private ramp(colors: string[], edges: number[], unit: string, signed: boolean): HTMLElement {
    const write = (edge: number | undefined) => this.text.plain(edge ?? 0, signed);
    const list = make("ol", { class: "ramp" });
    colors.forEach((color, place) => {
      const low = edges[place - 1];
      const high = edges[place];
      const words =
        low === undefined
          ? this.text.of("app.legend.below", { high: write(high), unit })
          : high === undefined
            ? this.text.of("app.legend.above", { low: write(low), unit })
            : this.text.of("app.legend.between", { low: write(low), high: write(high), unit });
      const item = make("li", { title: words }, make("span", { class: "hidden" }, words));
      const swatch = make("span", { class: "swatch" });
      swatch.style.backgroundColor = color;
      item.prepend(swatch);
      if (high !== undefined) {
        item.append(make("span", { class: "edge", "aria-hidden": "true" }, write(high)));
      }
      list.append(item);
    });
    return list;
  }

  /** Years that do not compare say so wherever their change is shown. */
  private warning({ view, years }: Measure): HTMLElement[] {
    const isWarned = this.settings.notes.some(
      ({ pair, severe }) => severe && pair.join() === years.join(),
    );
    if (view !== "change" || !isWarned) {
      return [];
    }
    const words = this.text.of("app.selection.warning", { pair: years.join("–") });
    return [make("p", { class: "legend-warning" }, sign(), " ", words)];
  }

  private others(palette: Palette, measure: Measure): HTMLElement {
    const list = make("ul", { class: "legend-others" });
    const add = (color: string | null, label: string) => {
      const swatch = make("span", { class: color ? "swatch" : "swatch hatch" });
      if (color !== null) {
        swatch.style.backgroundColor = color;
      }
      list.append(make("li", {}, swatch, label));
    };
    if (hasZero(measure)) {
      add(palette.zero, `0 (${this.text.of("app.legend.zero")})`);
    } else if (measure.signal !== null) {
      add(palette.noise, this.text.of("app.legend.within_noise"));
    }
    add(palette.water, this.text.of("app.legend.no_land"));
    add(null, this.text.of("app.legend.no_data"));
    return list;
  }
}
