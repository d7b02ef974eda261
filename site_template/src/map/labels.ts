// Names of areas over the map, as page text: only where an area is large enough, never one over
// another.

import type { Map as MapLibre } from "maplibre-gl";
import { make } from "../shared/dom.ts";
import type { Area, Settings } from "../shared/settings.ts";

const MOST = 60;
const CHARACTER_WIDTH = 6.6;
const LINE_HEIGHT = 18;

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
    const taken: Box[] = [];
    const drawn: HTMLElement[] = [];
    for (const area of this.areas) {
      const place = this.place(area);
      const inside =
        place !== null &&
        place.left > 0 &&
        place.top > 0 &&
        place.right < clientWidth &&
        place.bottom < clientHeight;
      if (inside && !taken.some((box) => overlap(box, place))) {
        taken.push(place);
        const label = make("span", { class: "area-name" }, area.name);
        const [x, y] = [(place.left + place.right) / 2, (place.top + place.bottom) / 2];
        label.style.transform = `translate(${x}px, ${y}px) translate(-50%, -50%)`;
        drawn.push(label);
        if (drawn.length === MOST) {
          break;
        }
      }
    }
    this.layer.replaceChildren(...drawn);
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
