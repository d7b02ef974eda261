// What the reader points at and keeps: with the pointer, the keyboard, a table row or an address.

import { centerOf, lowBitsOf, resolutionOf } from "./cells.ts";
import type { Hover } from "./hover.ts";
import { CellCursor } from "./cursor.ts";
import type { AreaKey, Cell, HexagonMap } from "./map.ts";
import type { Panel } from "../panel/panel.ts";
import type { Area, Measure, Settings } from "../shared/settings.ts";
import { findArea, isSame, type Selection, type Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";

export class SelectionKeeper {
  /** The kept cell's figures, once its tile has been seen. */
  private cell: Cell | null = null;

  constructor(
    private readonly store: Store,
    private readonly settings: Settings,
    private readonly view: HexagonMap,
    private readonly panel: Panel,
    private readonly hover: Hover,
    private readonly text: Text,
    /** What is shown at a place of the map, in pixels from its left. */
    private readonly measureAt: (x: number) => Measure,
  ) {
    this.connectPointer();
    this.connectKeyboard();
    this.view.map.on("idle", () => this.completeCell());
    store.onChange(({ selection }, before) => {
      if (!isSame(selection, before.selection)) {
        this.follow(selection);
      }
    });
    this.follow(store.state.selection);
  }

  letGo(): void {
    this.store.set({ selection: null });
  }

  chooseArea(key: AreaKey): void {
    const area = findArea(this.settings, key.layer, key.id);
    if (area !== undefined) {
      this.store.set({ selection: { kind: "area", ...key }, outlines: key.layer });
      this.zoomTo(area);
    }
  }

  /** Keep a hexagon by its index and bring the map there; say so where it holds no data. */
  chooseCell(index: string): void {
    const camera = cameraOn(index, this.settings);
    if (camera !== null) {
      this.view.map.jumpTo({ center: [camera.lng, camera.lat], zoom: camera.zoom });
    }
    this.store.set({ selection: { kind: "cell", index } });
    this.view.map.once("idle", () => {
      const { selection } = this.store.state;
      if (selection?.kind === "cell" && selection.index === index && this.cell === null) {
        this.panel.showEmptyCell(index);
      }
    });
  }

  zoomTo(area: Area): void {
    if (area.bounds !== null) {
      this.view.fit(area.bounds);
    }
  }

  private keep(cell: Cell | null): void {
    if (cell === null) {
      this.letGo();
      return;
    }
    this.cell = cell;
    this.store.set({ selection: { kind: "cell", index: cell.index } });
  }

  private connectPointer(): void {
    const { map } = this.view;
    map.on("mousemove", ({ point }) => this.pointAt(this.view.cellAt(point), point.x, point.y));
    map.on("mouseout", () => this.endHover());
    map.on("movestart", () => this.endHover());
    map.on("click", ({ point }) => {
      const cell = this.view.cellAt(point);
      // A finger does not hover: the label comes with the tap.
      this.pointAt(cell, point.x, point.y);
      this.keep(cell);
      const patch = this.view.patchAt(point);
      if (patch !== null) {
        this.panel.say(this.hover.patch(patch));
      }
    });
  }

  private pointAt(cell: Cell | null, x: number, y: number): void {
    this.view.map.getCanvas().style.cursor = cell ? "pointer" : "";
    this.view.mark("hover", cell?.index ?? null);
    if (cell === null) {
      this.hover.hide();
    } else {
      this.hover.show(cell, this.measureAt(x), this.view.patchAt([x, y]), x, y);
    }
  }

  private endHover(): void {
    this.hover.hide();
    this.view.mark("hover", null);
  }

  /** Arrow keys lead from hexagon to hexagon; what is read out is also seen beside the cell. */
  private connectKeyboard(): void {
    const cursor = new CellCursor(this.view, {
      tell: (cell, x, y) => this.tell(cell, x, y),
      keep: (cell) => {
        if (cell === null) {
          this.panel.say(this.text.of("app.map.no_hexagon"));
        } else {
          this.keep(cell);
        }
      },
      leave: () => this.endHover(),
    });
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") {
        cursor.leave();
        if (this.store.state.selection !== null) {
          this.letGo();
        }
      }
    });
  }

  private tell(cell: Cell | null, x: number, y: number): void {
    if (cell === null) {
      this.hover.hide();
      this.panel.say(this.text.of("app.map.no_hexagon"));
      return;
    }
    const measure = this.measureAt(x);
    this.hover.show(cell, measure, this.view.patchAt([x, y]), x, y);
    const names = this.view
      .areasAt([x, y])
      .flatMap(({ layer, id }) => findArea(this.settings, layer, id)?.name ?? []);
    this.panel.say([...this.hover.lines(cell, measure), ...names].join(". "));
  }

  private follow(selection: Selection | null): void {
    this.view.mark("selected", selection?.kind === "cell" ? selection.index : null);
    if (selection?.kind === "area") {
      const layer = this.settings.layers.find((known) => known.layer === selection.layer);
      const area = findArea(this.settings, selection.layer, selection.id);
      if (area !== undefined) {
        this.panel.showArea(area, layer?.title ?? "");
      }
    } else if (selection === null || this.cell?.index !== selection.index) {
      this.panel.clear();
      this.cell = null;
      this.completeCell();
    } else {
      this.showCell(this.cell);
    }
  }

  /** Fill the panel of a cell that came from an address as soon as its tile is there. */
  private completeCell(): void {
    const { selection } = this.store.state;
    if (selection?.kind === "cell" && this.cell === null) {
      this.cell = this.view.loadedCell(selection.index, lowBitsOf(selection.index));
      if (this.cell !== null) {
        this.showCell(this.cell);
      }
    }
  }

  private showCell(cell: Cell): void {
    const point = this.view.map.project(centerOf(cell.index));
    this.panel.showCell(cell, this.view.areasAt(point));
  }
}

/** Return a camera that shows a cell at a zoom where the map draws cells of its size. */
export function cameraOn(index: string, settings: Settings) {
  const resolution = resolutionOf(index);
  const band = settings.tiles.bands.find((known) => known.resolution === resolution);
  const [lng, lat] = centerOf(index);
  return band ? { lng, lat, zoom: Math.max(band.minzoom, band.maxzoom) } : null;
}
