// Reading hexagons by keyboard: arrow keys lead a cursor from cell to cell, a live region announces what
// it stands on. Shift moves the map instead, Alt turns it.

import { gridDisk, latLngToCell } from "h3-js";
import { centerOf, lowBitsOf, resolutionOf } from "./cells.ts";
import type { Cell, HexagonMap } from "./map.ts";

export interface CursorActions {
  /** Describe the hexagon at a place of the map; null where there is none. */
  announce(cell: Cell | null, x: number, y: number): void;
  keep(cell: Cell | null): void;
  leave(): void;
}

interface Vector {
  x: number;
  y: number;
}

const DIRECTIONS: Record<string, Vector> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
const PAN_PIXELS = 120;
const TURN_DEGREES = 15;
/** The cursor keeps so far from the map's edges, where this is possible. */
const MARGIN = 70;

export class CellCursor {
  private index: string | null = null;
  /** Where a row of steps in one direction began: further steps keep to its line. */
  private line: { key: string; start: Vector } | null = null;

  constructor(
    private readonly view: HexagonMap,
    private readonly actions: CursorActions,
  ) {
    const canvas = view.map.getCanvas();
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    canvas.addEventListener("blur", () => this.leave());
    // A pointer takes over.
    canvas.addEventListener("pointerdown", () => (this.index = null));
  }

  /** Forget where the cursor stood. */
  leave(): void {
    if (this.index !== null) {
      this.index = null;
      this.line = null;
      this.actions.leave();
    }
  }

  private onKey(event: KeyboardEvent): void {
    const direction = DIRECTIONS[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.actions.keep(this.loaded(this.here()));
    } else if (direction !== undefined && !event.ctrlKey && !event.metaKey) {
      // MapLibre would move the map.
      event.preventDefault();
      event.stopPropagation();
      if (event.shiftKey) {
        const by: [number, number] = [direction.x * PAN_PIXELS, direction.y * PAN_PIXELS];
        this.view.map.panBy(by, { animate: false });
      } else if (event.altKey) {
        this.view.map.rotateTo(this.view.map.getBearing() + direction.x * TURN_DEGREES, { animate: false });
      } else {
        this.step(event.key, direction);
      }
    }
  }

  /** Go to the neighbour in a direction; the first step only shows where the cursor stands. */
  private step(key: string, direction: Vector): void {
    const from = this.here();
    if (this.index === null || !this.isSeen(from)) {
      this.index = from;
      this.line = null;
    } else {
      const start = this.line?.key === key ? this.line.start : this.project(from);
      this.line = { key, start };
      this.index = this.neighbour(from, start, direction) ?? from;
    }
    this.announce(this.index);
  }

  /** Return the cell of the cursor in the size that the map shows, or the one in the middle. */
  private here(): string {
    const { resolution, map } = this.view;
    const { lat, lng } = map.getCenter();
    if (this.index === null || !this.isSeen(this.index)) {
      return latLngToCell(lat, lng, resolution);
    }
    if (resolutionOf(this.index) === resolution) {
      return this.index;
    }
    this.line = null;
    const [east, north] = centerOf(this.index);
    return latLngToCell(north, east, resolution);
  }

  /** Return the neighbour that lies in a direction and strays least from the line. */
  private neighbour(from: string, start: Vector, direction: Vector): string | null {
    const origin = this.project(from);
    let best: { cell: string; stray: number } | null = null;
    for (const cell of gridDisk(from, 1)) {
      const at = this.project(cell);
      const [x, y] = [at.x - origin.x, at.y - origin.y];
      const forward = x * direction.x + y * direction.y;
      const stray = Math.abs((at.x - start.x) * direction.y - (at.y - start.y) * direction.x);
      const goesOn = cell !== from && forward > Math.hypot(x, y) / 3;
      if (goesOn && (best === null || stray < best.stray - 0.5)) {
        best = { cell, stray };
      }
    }
    return best?.cell ?? null;
  }

  private announce(index: string): void {
    this.bringIntoView(index);
    const { map } = this.view;
    const speak = () => {
      if (this.index === index) {
        const { x, y } = this.project(index);
        this.view.mark("hover", index);
        this.actions.announce(this.loaded(index), x, y);
      }
    };
    if (this.loaded(index) === null && !map.areTilesLoaded()) {
      map.once("idle", speak);
    } else {
      speak();
    }
  }

  private bringIntoView(index: string): void {
    const { map } = this.view;
    const { x, y } = this.project(index);
    const { clientWidth, clientHeight } = map.getContainer();
    const by: [number, number] = [outside(x, clientWidth), outside(y, clientHeight)];
    if (by[0] !== 0 || by[1] !== 0) {
      const { start } = this.line ?? { start: { x: 0, y: 0 } };
      map.panBy(by, { animate: false });
      // The line lies on the ground.
      start.x -= by[0];
      start.y -= by[1];
    }
  }

  private loaded(index: string): Cell | null {
    return this.view.loadedCell(index, lowBitsOf(index));
  }

  private project(index: string): Vector {
    const { x, y } = this.view.map.project(centerOf(index));
    return { x, y };
  }

  private isSeen(index: string): boolean {
    const { x, y } = this.project(index);
    const { clientWidth, clientHeight } = this.view.map.getContainer();
    return x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight;
  }
}

/** Return by how much a place lies outside of the inner part of an extent. */
function outside(place: number, extent: number): number {
  const margin = Math.min(MARGIN, extent / 3);
  return place < margin ? place - margin : Math.max(0, place - (extent - margin));
}
