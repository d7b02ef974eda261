// Two years side by side: a second map over the first, cut off at a divider that can be dragged or
// moved with the arrow keys. The second map follows the first and takes no part in pointing.

import { Map as MapLibre } from "maplibre-gl";
import { make } from "../shared/dom.ts";
import { applyLook, type HexagonMap, noteLook } from "./map.ts";
import type { Settings } from "../shared/settings.ts";
import { HEXAGONS, type Look, mapStyle } from "./style.ts";
import type { Text } from "../shared/text.ts";
import { addDot, atRest, drained } from "./graphics.ts";

const STEP = 0.02;
const LEAP = 0.1;

export interface Sides {
  left: string;
  right: string;
}

export class Comparison {
  private readonly pane = make("div", { class: "compare-pane", "aria-hidden": "true" });
  private readonly divider: HTMLElement;
  private readonly names = { left: make("span"), right: make("span") };
  /** What the left side shows, or null where there is one map only. */
  private look: Look | null = null;
  /** The second map, from the first comparison on; that of the view while two years are compared. */
  private twin: MapLibre | null = null;
  private isDressed = false;
  private place = 0.5;

  constructor(
    private readonly view: HexagonMap,
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly onMove: (place: number) => void,
  ) {
    this.divider = this.slider();
    const { map } = view;
    map.getCanvasContainer().after(this.pane, this.divider);
    map.on("move", () => this.follow());
    this.hide();
  }

  /** Show a look on the left of the divider; null: one map only. */
  show(look: Look | null, sides: Sides, place: number): void {
    if (look === null) {
      this.hide();
      return;
    }
    this.divider.hidden = false;
    this.names.left.textContent = sides.left;
    this.names.right.textContent = sides.right;
    this.place = place;
    this.look = look;
    this.cut();
    if (this.twin === null) {
      this.twin = this.second();
      void this.dress(this.twin, look);
    } else if (this.isDressed) {
      this.present();
    }
  }

  /** Add the layers of the second map step by step, each once all before is drawn: nothing has to wait. */
  private async dress(twin: MapLibre, look: Look): Promise<void> {
    await drained(twin);
    const { layers, ...style } = mapStyle(this.settings, look);
    twin.setStyle({ ...style, layers: [] });
    await twin.once("style.load");
    const hexagons = layers.findIndex(({ id }) => id === HEXAGONS);
    for (const step of [layers.slice(0, hexagons), [layers[hexagons]!], layers.slice(hexagons + 1)]) {
      step.forEach((layer) => twin.addLayer(layer));
      await atRest(twin);
    }
    addDot(twin);
    noteLook(twin, this.settings, look);
    this.isDressed = true;
    if (this.look !== null) {
      this.present();
    }
  }

  /** Bring the second map in line with the first and with what it is to show. */
  private present(): void {
    if (this.view.twin === null) {
      this.view.twin = this.twin;
      this.view.markTwin();
      this.follow();
    }
    if (this.twin !== null && this.look !== null) {
      applyLook(this.twin, this.settings, this.look);
      // Composed with the page once it is whole: each composition of both maps takes its time.
      this.twin.once("idle", () => {
        this.pane.classList.toggle("shown", this.look !== null);
        this.view.map.getContainer().setAttribute("data-compared", "ready");
      });
      this.twin.triggerRepaint();
    }
  }

  /** Return whether a place on the map, in pixels from its left, lies left of the divider. */
  isLeft(x: number): boolean {
    return this.look !== null && x < this.place * this.width;
  }

  /** Return what a picture needs: the second map and the part of the width it covers. */
  get picture(): { map: MapLibre; part: number } | null {
    const { twin } = this.view;
    return twin === null ? null : { map: twin, part: this.place };
  }

  redraw(): void {
    this.view.twin?.redraw();
  }

  private get width(): number {
    return this.view.map.getContainer().clientWidth;
  }

  /** Hide the second map and keep it: to give its graphics memory back would block the page. */
  private hide(): void {
    this.divider.hidden = true;
    this.pane.classList.remove("shown");
    this.view.twin = null;
    this.look = null;
  }

  private second(): MapLibre {
    const { map } = this.view;
    const twin = new MapLibre({
      container: this.pane,
      center: map.getCenter(),
      zoom: map.getZoom(),
      bearing: map.getBearing(),
      minZoom: map.getMinZoom(),
      maxZoom: map.getMaxZoom(),
      renderWorldCopies: map.getRenderWorldCopies(),
      interactive: false,
      attributionControl: false,
      fadeDuration: 0,
    });
    // Not reached by the tab key: the first map is the one that is read.
    twin.getCanvas().tabIndex = -1;
    twin.on("error", (event) => map.fire("error", { error: event.error }));
    return twin;
  }

  private follow(): void {
    const { map, twin } = this.view;
    twin?.jumpTo({ center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing() });
  }

  private slider(): HTMLElement {
    const handle = make("span", { class: "compare-handle", "aria-hidden": "true" });
    const divider = make(
      "div",
      {
        class: "compare-divider",
        role: "slider",
        tabindex: "0",
        "aria-label": this.text.of("app.compare.divider"),
        "aria-orientation": "horizontal",
        "aria-valuemin": "0",
        "aria-valuemax": "100",
      },
      make("span", { class: "compare-name compare-left" }, this.names.left),
      handle,
      make("span", { class: "compare-name compare-right" }, this.names.right),
    );
    divider.addEventListener("keydown", (event) => this.onKey(event));
    divider.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      divider.focus();
      divider.setPointerCapture(event.pointerId);
    });
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) {
        const box = this.view.map.getContainer().getBoundingClientRect();
        this.moveTo((event.clientX - box.left) / box.width);
      }
    });
    divider.addEventListener("pointerup", () => this.onMove(this.place));
    return divider;
  }

  private onKey(event: KeyboardEvent): void {
    const places: Record<string, number> = {
      ArrowLeft: this.place - STEP,
      ArrowDown: this.place - STEP,
      ArrowRight: this.place + STEP,
      ArrowUp: this.place + STEP,
      PageDown: this.place - LEAP,
      PageUp: this.place + LEAP,
      Home: 0,
      End: 1,
    };
    const place = places[event.key];
    if (place !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this.moveTo(place);
      this.onMove(this.place);
    }
  }

  private moveTo(place: number): void {
    this.place = Math.min(1, Math.max(0, Math.round(place * 100) / 100));
    this.cut();
  }

  /** Cut the second map off at the divider and label how much of each year is seen. */
  private cut(): void {
    const percent = Math.round(100 * this.place);
    this.pane.style.clipPath = `inset(0 ${100 - percent}% 0 0)`;
    this.divider.style.left = `${percent}%`;
    this.divider.setAttribute("aria-valuenow", String(percent));
    const values = {
      left: this.names.left.textContent ?? "",
      right: this.names.right.textContent ?? "",
      percent,
      rest: 100 - percent,
    };
    this.divider.setAttribute("aria-valuetext", this.text.of("app.compare.value", values));
  }
}
