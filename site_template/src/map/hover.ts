// The label beside the pointer: what the hexagon under it shows.

import { make } from "../shared/dom.ts";
import type { Patch } from "./map.ts";
import { flows, judged, measureValue, type Pair } from "../shared/measures.ts";
import type { Figures, Measure, Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

const GAP = 14;

/** What is pointed at; a hexagon bears the name of its area. */
export interface Pointed {
  name: string;
  figures: Figures;
}

export class Hover {
  private readonly box = make("div", { class: "tooltip", "aria-hidden": "true" });

  constructor(
    private readonly frame: HTMLElement,
    private readonly text: Text,
    private readonly settings: Settings,
  ) {
    this.box.hidden = true;
    frame.append(this.box);
  }

  hide(): void {
    this.box.hidden = true;
  }

  show(unit: Pointed, measure: Measure, patch: Patch | null, x: number, y: number): void {
    const [value = "", ...rest] = this.lines(unit, measure);
    const name = unit.name === "" ? [] : [make("span", { class: "tooltip-name" }, unit.name)];
    this.box.replaceChildren(
      ...name,
      make("strong", {}, value),
      ...rest.map((line) => make("span", {}, line)),
      ...(patch === null ? [] : [make("span", { class: "tooltip-patch" }, this.patch(patch))]),
    );
    this.box.hidden = false;
    this.place(x, y);
  }

  /** Describe what an area or a hexagon shows: its value first. */
  lines({ figures }: Pointed, measure: Measure): string[] {
    const value = measureValue(measure, figures);
    const key = `app.legend.${measure.basis ?? measure.view}`;
    const years = measure.years.join("–");
    return [
      value === null ? this.text.of("app.no_land") : this.written(value, measure),
      this.text.of(key, { year: years, pair: years }),
      ...(measure.view === "change" && value !== null ? this.change(figures, measure) : []),
    ];
  }

  /** Describe a confirmed patch: its size, how sure it is, and what it was before. */
  patch({ rank, area_m2, q_value, origin }: Patch): string {
    const values = {
      rank,
      area: this.text.hectares(area_m2),
      q: this.text.number(q_value, 3),
      origin: this.settings.origins.names[origin] ?? origin,
    };
    return this.text.of("app.hover.patch", values);
  }

  private written(value: number, measure: Measure): string {
    const number = measure.scale === "change" ? this.text.points(value) : this.text.share(value);
    return this.text.of(`app.legend.${measure.view}.value`, { value: number });
  }

  /** Describe what the maps differ by, and whether the change is established. */
  private change(figures: Figures, measure: Measure): string[] {
    const { gain, loss } = flows(figures, measure.years as Pair);
    const { signal } = judged(figures, measure.years as Pair);
    const values = { gain: this.text.hectares(gain), loss: this.text.hectares(loss) };
    const isNone = gain === 0 && loss === 0;
    return [
      this.text.of("app.hover.flows", values),
      this.text.of(isNone ? "app.hover.none" : `app.hover.${this.settings.signals[signal]}`),
    ];
  }

  /** Stand beside the pointer, on the side where there is room. */
  private place(x: number, y: number): void {
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const left = x + GAP + width > this.frame.clientWidth ? x - GAP - width : x + GAP;
    const top = y + GAP + height > this.frame.clientHeight ? y - GAP - height : y + GAP;
    this.box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }
}
