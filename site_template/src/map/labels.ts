// Names over the map, as page text, never one over another: of areas where they are large enough,
// then of the places that the region file names, nearer than the whole region.

import type { Map as MapLibre } from "maplibre-gl";
import { make } from "../shared/dom.ts";
import type { Area, Settings } from "../shared/settings.ts";

const MOST = 60;
const CHARACTER_WIDTH = 6.6;
const LINE_HEIGHT = 18;
// Names of places keep this far from others: they are read after those of areas.
const PLACE_GAP = 6;

const COVERING = ".legend, .search, .map-choices .segments, #more > summary, .maplibregl-ctrl, .place-mark";

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export class Labels {
  private readonly layer = make("div", { class: "labels", "aria-hidden": "true" });
  private areas: Area[] = [];
  private waiting = false;

  constructor(
    private readonly map: MapLibre,
    private readonly settings: Settings,
  ) {
    map.getCanvasContainer().append(this.layer);
    map.on("move", () => this.schedule());
    map.on("resize", () => this.schedule());
    map.on("idle", () => this.schedule());
  }

  show(layer: string): void {
    const found = this.settings.layers.find((known) => known.layer === layer)?.areas ?? [];
    this.areas = [...found].sort((one, other) => extent(other) - extent(one));
    this.schedule();
  }

  private schedule(): void {
    if (!this.waiting) {
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        this.draw();
      });
    }
  }

  private draw(): void {
    const { clientWidth, clientHeight } = this.map.getContainer();
    const taken = this.covered();
    const drawn: HTMLElement[] = [];
    const put = (name: string, kind: string, place: Box | null) => {
      const isInside =
        place !== null &&
        place.left > 0 &&
        place.top > 0 &&
        place.right < clientWidth &&
        place.bottom < clientHeight;
      if (isInside && drawn.length < MOST && !taken.some((box) => overlap(box, place))) {
        taken.push(place);
        const label = make("span", { class: kind }, name);
        const [x, y] = [(place.left + place.right) / 2, (place.top + place.bottom) / 2];
        label.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
        drawn.push(label);
      }
    };
    for (const area of this.areas) {
      put(area.name, "area-name", this.place(area));
    }
    for (const [lng, lat, name] of this.settings.names) {
      put(name, "area-name place-name", this.around([lng, lat], name));
    }
    this.layer.replaceChildren(...drawn);
  }

  /** Return what lies over the map: a name below it would be read in part. */
  private covered(): Box[] {
    const frame = this.map.getContainer().getBoundingClientRect();
    // What is folded up has a box of its own all the same.
    const shown = [...document.querySelectorAll(COVERING)].filter((each) => each.checkVisibility());
    const boxes = shown.map((each) => each.getBoundingClientRect());
    return boxes.map(({ left, top, right, bottom }) => ({
      left: left - frame.left,
      top: top - frame.top,
      right: right - frame.left,
      bottom: bottom - frame.top,
    }));
  }

  /** Return where a name stands that is centred on a place. */
  private around(place: [number, number], name: string): Box {
    const { x, y } = this.map.project(place);
    const half = (name.length * CHARACTER_WIDTH) / 2 + PLACE_GAP;
    const high = LINE_HEIGHT / 2 + PLACE_GAP;
    return { left: x - half, right: x + half, top: y - high, bottom: y + high };
  }

  /** Return where a name would stand, or null when the area is too small for it. */
  private place(area: Area): Box | null {
    if (area.bounds === null || area.label === null) {
      return null;
    }
    const [west, south, east, north] = area.bounds;
    const corners = ([[west, south], [east, south], [east, north], [west, north]] as const).map(
      ([lng, lat]) => this.map.project([lng, lat]),
    );
    const [across, down] = (["x", "y"] as const).map((axis) => {
      const places = corners.map((corner) => corner[axis]);
      return Math.max(...places) - Math.min(...places);
    });
    const half = (area.name.length * CHARACTER_WIDTH) / 2;
    if ((across ?? 0) < half || (down ?? 0) < LINE_HEIGHT) {
      return null;
    }
    const { x, y } = this.map.project(area.label);
    return { left: x - half, right: x + half, top: y - LINE_HEIGHT / 2, bottom: y + LINE_HEIGHT / 2 };
  }
}

function extent({ bounds }: Area): number {
  return bounds === null ? 0 : (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]);
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.left < other.right &&
    other.left < one.right &&
    one.top < other.bottom &&
    other.top < one.bottom
  );
}
