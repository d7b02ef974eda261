// What the reader points at and keeps: with the pointer, the keyboard, a table row or an address.

import { centerOf, lowBitsOf, resolutionOf } from "./cells.ts";
import type { Hover } from "./hover.ts";
import { CellCursor } from "./cursor.ts";
import type { Cell, HexagonMap } from "./map.ts";
import type { Panel } from "../panel/panel.ts";
import type { Area, Measure, Settings } from "../shared/settings.ts";
import { type AreaKey, findArea, isSame, type Selection, type Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";

export class SelectionKeeper {
  /** The area that the reader chose last; a click in it gives a hexagon. */
  private entered: AreaKey | null = null;
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
    /** Offer an area to those that stand beside each other; returns whether it was taken. */
    private readonly joins: (area: AreaKey) => boolean,
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
    if (area !== undefined && !this.joins(key)) {
      this.store.set({ selection: { kind: "area", ...key }, outlines: key.layer });
      this.zoomTo(area);
    }
  }

  /** Keep a hexagon by its index and bring the map there; announce where it holds no data. */
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
    map.on("mousemove", ({ point }) => this.pointAt(point.x, point.y));
    map.on("mouseout", () => this.endHover());
    map.on("movestart", () => this.endHover());
    map.on("click", ({ point }) => this.click(point.x, point.y));
  }

  /** The first click on a place gives the area there, the next one its hexagon. */
  private click(x: number, y: number): void {
    const area = this.areaAt(x, y);
    if (area !== null && !this.isInside(area)) {
      this.pointAt(x, y);
      this.chooseArea(area);
      return;
    }
    const cell = this.view.cellAt([x, y]);
    // A finger does not hover: the label comes with the tap.
    this.pointAt(x, y);
    this.keep(cell);
    const patch = this.view.patchAt([x, y]);
    if (patch !== null) {
      this.panel.announce(this.hover.patch(patch));
    }
  }

  /** Return whether the reader is in an area already: it is kept, or a hexagon in it. */
  private isInside(area: AreaKey): boolean {
    const { selection } = this.store.state;
    const last = this.entered;
    const isLast = last !== null && last.layer === area.layer && last.id === area.id;
    return selection !== null && isLast;
  }

  /** Return the area of the outlined layer at a point of the screen. */
  private areaAt(x: number, y: number): AreaKey | null {
    const { outlines } = this.store.state;
    return this.view.areasAt([x, y]).find(({ layer }) => layer === outlines) ?? null;
  }

  private pointAt(x: number, y: number): void {
    const key = this.areaAt(x, y);
    const area = key === null ? undefined : findArea(this.settings, key.layer, key.id);
    const patch = this.view.patchAt([x, y]);
    const showsArea = key !== null && area !== undefined && patch === null && !this.isInside(key);
    const cell = showsArea ? null : this.view.cellAt([x, y]);
    this.view.map.getCanvas().style.cursor = cell !== null || showsArea ? "pointer" : "";
    this.view.mark("hover", cell?.index ?? null);
    const measure = this.measureAt(x);
    if (showsArea) {
      this.hover.show({ name: area.name, figures: area.figures }, measure, null, x, y);
    } else if (cell !== null) {
      const unit = { name: area?.name ?? "", figures: cell.figures };
      this.hover.show(unit, measure, patch, x, y);
    } else {
      this.hover.hide();
    }
  }

  private endHover(): void {
    this.hover.hide();
    this.view.mark("hover", null);
  }

  /** Arrow keys lead from hexagon to hexagon; what is read out is also seen beside the cell. */
  private connectKeyboard(): void {
    const cursor = new CellCursor(this.view, {
      announce: (cell, x, y) => this.announce(cell, x, y),
      keep: (cell) => {
        if (cell === null) {
          this.panel.announce(this.text.of("app.map.no_hexagon"));
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

  private announce(cell: Cell | null, x: number, y: number): void {
    if (cell === null) {
      this.hover.hide();
      this.panel.announce(this.text.of("app.map.no_hexagon"));
      return;
    }
    const measure = this.measureAt(x);
    this.hover.show({ name: "", figures: cell.figures }, measure, this.view.patchAt([x, y]), x, y);
    const names = this.view
      .areasAt([x, y])
      .flatMap(({ layer, id }) => findArea(this.settings, layer, id)?.name ?? []);
    this.panel.announce([...this.hover.lines({ name: "", figures: cell.figures }, measure), ...names].join(". "));
  }

  private follow(selection: Selection | null): void {
    if (selection === null) {
      this.entered = null;
    }
    this.view.mark("selected", selection?.kind === "cell" ? selection.index : null);
    if (selection?.kind === "area") {
      this.entered = { layer: selection.layer, id: selection.id };
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
