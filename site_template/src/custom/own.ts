// The reader's own areas: kept in the state, drawn on the map, answered from the hexagons.

import { ArchiveError } from "../map/archive.ts";
import { make } from "../shared/dom.ts";
import { explain } from "../map/failure.ts";
import type { HexagonMap } from "../map/map.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import { findArea, type State, type Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";
import type { Theme } from "../shared/theme.ts";
import { type Answer, answer, checkShape } from "./answer.ts";
import { type AnsweredArea, csvOf, geoJsonOf, rowsCsv, rowsGeoJson, save } from "./download.ts";
import { Drawing } from "./drawing.ts";
import { connectDrop } from "./drop.ts";
import { ShapeError } from "./errors.ts";
import type { FileShapes, NamedShape } from "./features.ts";
import { isTooLong, itemOf, MOST_ITEMS, type OwnItem, sameItems, shortened } from "./items.ts";
import { OwnLayer } from "./layer.ts";
import { Partitions } from "./partitions.ts";
import { tidied } from "./parts.ts";
import { Pixels } from "./pixels.ts";
import { measureAll } from "./many.ts";
import { ManyTable } from "./manytable.ts";
import { readFile, readText } from "./opener.ts";
import type { AreaRow } from "./rows.ts";
import { Section } from "./section.ts";
import { boundsOf, type Polygon, polygonsOf, type Shape } from "./shapes.ts";
import { answerParts, compareTable } from "./views.ts";

/** Writes the tables of figures, as for any area. */
export type WriteTables = (figures: Figures, noteKey: string) => HTMLElement[];

type Outcome = { answer: Answer } | { problem: string };

export class OwnAreas {
  private readonly section: Section;
  private readonly drawing: Drawing;
  private readonly layer: OwnLayer;
  private readonly partitions: Partitions;
  private readonly pixels: Pixels | null;
  /** Ends the measuring of a file of many areas. */
  private table: AbortController | null = null;
  /** What became of each shape, once it is known. */
  private readonly outcomes = new Map<Shape, Outcome | null>();

  constructor(
    private readonly store: Store,
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly view: HexagonMap,
    theme: Theme,
    private readonly writeTables: WriteTables,
  ) {
    this.partitions = new Partitions(settings);
    this.pixels = Pixels.of(settings);
    this.layer = new OwnLayer(view.map, theme);
    this.section = new Section(settings, text, {
      draw: (tool) => {
        this.section.announce("");
        this.drawing.start(tool);
      },
      open: (file) => void this.read(() => readFile(file, settings)),
      paste: (pasted) => void this.read(() => readText(pasted, text.of("app.custom.pasted"), settings)),
      pick: (layer, id) => this.add({ kind: "area", layer, id }),
      show: (place) => this.choose(place),
      remove: (place) => this.remove(place),
      rename: (place, name) => this.rename(place, name),
      save: (kind) => this.save(kind),
    });
    this.drawing = new Drawing(view.map, text, {
      done: (shape) => this.addShape("", shape),
      cancelled: () => {
        this.announce("app.custom.draw.cancelled");
        this.section.box.querySelector("button")?.focus();
      },
      announce: (words) => this.section.announce(words),
    });
    connectDrop(view.map.getContainer().parentElement ?? document.body, text, (file) => {
      this.section.box.open = true;
      void this.read(() => readFile(file, settings));
    });
    store.onChange((state, before) => this.follow(state, before));
    this.showAll();
    if (store.state.own.length > 0) {
      this.section.box.open = true;
      if (store.state.camera === null) {
        this.zoomTo(store.state.shown);
      }
    }
  }

  private follow(state: State, before: State): void {
    const isOther = !sameItems(state.own, before.own) || state.shown !== before.shown;
    if (isOther || state.pair !== before.pair) {
      this.showAll();
    }
    if (isOther && state.own.length > 0) {
      this.section.box.open = true;
    }
  }

  /** Read a file or text and add what it holds: all of a few, a table of many. */
  private async read(source: () => Promise<FileShapes>): Promise<void> {
    this.announce("app.custom.reading");
    try {
      const { shapes, skipped } = await source();
      const room = MOST_ITEMS - this.store.state.own.length;
      this.section.endOffer();
      if (shapes.length <= Math.max(1, room)) {
        shapes.forEach(({ name, polygons }) => this.addShape(name, { kind: "polygons", polygons }));
      } else {
        this.section.announce("");
        void this.tabulate(shapes);
        this.section.offer(shapes.map(({ name }) => name), (place) => {
          const chosen = place === null ? shapes : [shapes[place]!];
          const name = place === null ? this.text.of("app.custom.file.whole") : chosen[0]!.name;
          const polygons = chosen.flatMap((shape) => shape.polygons);
          this.addShape(name, { kind: "polygons", polygons });
        });
      }
      if (skipped > 0) {
        this.announce("app.custom.skipped", { count: skipped });
      }
    } catch (err) {
      this.section.announce(this.explain(err), true);
    }
  }

  /** Measure all areas of a file into a table; another file or a press ends it early. */
  private async tabulate(shapes: NamedShape[]): Promise<void> {
    this.endTable();
    const { settings, text, partitions, pixels } = this;
    const abort = new AbortController();
    const rows: (AreaRow | undefined)[] = shapes.map(() => undefined);
    const drawn = (shown: number | null) =>
      this.layer.showFile(shapes.map(({ polygons }, place) => ({ polygons, isShown: place === shown })));
    const table = new ManyTable(shapes, settings, text, {
      show: (place) => {
        table.mark(place);
        drawn(place);
        table.detail(this.rowParts(shapes[place]!, rows[place]));
        this.fitTo(shapes[place]!.polygons);
      },
      cancel: () => abort.abort(),
      save: (kind) => this.saveRows(rows.flatMap((row) => row ?? []), kind),
      close: () => this.endTable(),
    });
    this.table = abort;
    this.section.showMany([table.box]);
    drawn(null);
    this.fitTo(shapes.flatMap(({ polygons }) => polygons));
    const sources = { partitions, pixels, settings, explain: (err: unknown) => this.explain(err) };
    await measureAll(shapes, sources, abort.signal, (place, row) => {
      rows[place] = row;
      table.fill(place, row);
    });
    table.finish(rows);
  }

  private endTable(): void {
    this.table?.abort();
    this.table = null;
    this.layer.showFile([]);
    this.section.showMany([]);
    this.section.endOffer();
  }

  private rowParts({ name }: NamedShape, row: AreaRow | undefined): HTMLElement[] {
    if (row === undefined || row.found === null) {
      return [];
    }
    const { found: answer } = row;
    const tables = this.writeTables(answer.figures, "app.custom.note");
    return answerParts({ name, figures: answer.figures, method: "hexagons", answer }, tables, this.settings, this.text);
  }

  private saveRows(rows: AreaRow[], kind: "csv" | "geojson"): void {
    const written = kind === "csv" ? rowsCsv(rows, this.settings) : rowsGeoJson(rows, this.settings);
    save(`${this.settings.region.id}_areas_of_file.${kind}`, written, kind === "csv" ? "text/csv" : "application/geo+json");
  }

  private addShape(name: string, given: Shape): void {
    let shape = given;
    try {
      if (given.kind === "polygons") {
        shape = { kind: "polygons", polygons: tidied(given.polygons) };
      }
      checkShape(polygonsOf(shape));
    } catch (err) {
      this.section.announce(this.explain(err), true);
      return;
    }
    this.add(itemOf(name || this.nextName(), shape));
  }

  private nextName(): string {
    const names = this.store.state.own.map((item) => this.nameOf(item));
    let number = 1;
    while (names.includes(this.text.of("app.custom.name", { number }))) {
      number += 1;
    }
    return this.text.of("app.custom.name", { number });
  }

  private add(item: OwnItem): void {
    const { own } = this.store.state;
    const there = own.findIndex((other) => sameItems([item], [other]));
    if (there >= 0) {
      this.choose(there);
      return;
    }
    if (own.length >= MOST_ITEMS) {
      this.announce("app.custom.error.full", { most: MOST_ITEMS });
      return;
    }
    this.section.announce(isTooLong(item) ? this.text.of("app.custom.too_long") : "");
    this.store.set({ own: [...own, item], shown: own.length });
    this.zoomTo(own.length);
  }

  private choose(place: number): void {
    this.store.set({ shown: place });
    this.zoomTo(place);
  }

  private remove(place: number): void {
    const { own, shown } = this.store.state;
    const left = own.filter((_, at) => at !== place);
    const next = shown > place ? shown - 1 : Math.min(shown, left.length - 1);
    this.announce("app.custom.removed", { name: this.nameOf(own[place]!) });
    this.store.set({ own: left, shown: Math.max(0, next) });
  }

  private rename(place: number, name: string): void {
    const own = this.store.state.own.map((item, at) =>
      at === place && item.kind === "shape" ? { ...item, name: shortened(name) || item.name } : item,
    );
    this.store.set({ own });
    this.showAll();
  }

  private zoomTo(place: number): void {
    const item = this.store.state.own[place];
    if (item?.kind === "shape") {
      this.fitTo(polygonsOf(item.shape));
    } else if (item !== undefined) {
      const bounds = findArea(this.settings, item.layer, item.id)?.bounds;
      if (bounds) {
        this.view.fit(bounds);
      }
    }
  }

  /** Show polygons on the map; what lies elsewhere moves nothing. */
  private fitTo(polygons: Polygon[]): void {
    const bounds = boundsOf(polygons);
    if (meets(bounds, this.settings.tiles.bounds)) {
      this.view.fit(bounds);
    }
  }

  private save(kind: "csv" | "geojson"): void {
    const areas = this.store.state.own.flatMap((item) => this.answered(item) ?? []);
    const written = kind === "csv" ? csvOf(areas, this.settings) : geoJsonOf(areas, this.settings);
    const type = kind === "csv" ? "text/csv" : "application/geo+json";
    save(`${this.settings.region.id}_own_areas.${kind}`, written, type);
  }

  private answered(item: OwnItem): AnsweredArea | null {
    if (item.kind === "area") {
      const area = findArea(this.settings, item.layer, item.id);
      const facts = { method: "pixels", size: null, mapped: null, polygons: null } as const;
      return area === undefined ? null : { name: area.name, figures: area.figures, ...facts };
    }
    const outcome = this.outcomes.get(item.shape);
    if (!outcome || !("answer" in outcome)) {
      return null;
    }
    const { figures, size, mapped } = outcome.answer;
    const polygons = polygonsOf(item.shape);
    return { name: item.name, method: "hexagons", size, mapped, figures, polygons };
  }

  private nameOf(item: OwnItem): string {
    return item.kind === "shape" ? item.name : (findArea(this.settings, item.layer, item.id)?.name ?? item.id);
  }

  /** Bring map, list, answer and comparison in line with the state; missing answers are computed. */
  private showAll(): void {
    const { own, shown, pair } = this.store.state;
    this.layer.show(
      own.flatMap((item, place) =>
        item.kind === "shape" ? [{ polygons: polygonsOf(item.shape), isShown: place === shown }] : [],
      ),
    );
    this.section.showItems(
      own.map((item, place) => ({
        name: this.nameOf(item),
        kind: this.text.of(`app.custom.kind.${item.kind}`),
        isShape: item.kind === "shape",
        isShown: place === shown,
      })),
    );
    own.forEach((item) => item.kind === "shape" && this.request(item.shape, item.name));
    this.section.showAnswer(this.partsOf(own[shown]));
    const columns = own.map((item) => ({
      name: this.nameOf(item),
      figures: this.answered(item)?.figures ?? null,
    }));
    const years = pair.split("-").map(Number) as [number, number];
    const chosen = this.settings.pairs.length > 0 ? years : null;
    this.section.showComparison(
      own.length > 1 ? [compareTable(columns, chosen, this.settings, this.text)] : [],
    );
  }

  private partsOf(item: OwnItem | undefined): HTMLElement[] {
    if (item === undefined) {
      return [];
    }
    const name = this.nameOf(item);
    if (item.kind === "area") {
      const figures = findArea(this.settings, item.layer, item.id)?.figures ?? {};
      const tables = this.writeTables(figures, "app.selection.area_note");
      return answerParts({ name, figures, method: "pixels" }, tables, this.settings, this.text);
    }
    const outcome = this.outcomes.get(item.shape);
    if (!outcome) {
      return [make("p", { class: "detail" }, this.text.of("app.custom.computing"))];
    }
    if ("problem" in outcome) {
      return [make("p", { class: "own-message error", role: "status" }, outcome.problem)];
    }
    const { figures } = outcome.answer;
    const tables = this.writeTables(figures, "app.custom.note");
    const found = { name, figures, method: "hexagons", answer: outcome.answer } as const;
    return answerParts(found, tables, this.settings, this.text);
  }

  private request(shape: Shape, name: string): void {
    if (this.outcomes.has(shape)) {
      return;
    }
    this.outcomes.set(shape, null);
    answer(polygonsOf(shape), this.partitions, this.pixels, this.settings)
      .then(
        (found): Outcome => ({ answer: found }),
        (err: unknown): Outcome => ({ problem: this.explain(err) }),
      )
      .then((outcome) => {
        this.outcomes.set(shape, outcome);
        // What is wrong with a shape is in its answer: announced once.
        this.section.announce("problem" in outcome ? "" : this.text.of("app.custom.answered", { name }));
        this.showAll();
      })
      .catch((err: unknown) => this.section.announce(this.explain(err), true));
  }

  private explain(err: unknown): string {
    if (err instanceof ShapeError || err instanceof ArchiveError) {
      const values = Object.entries(err.values).map(([key, value]) => [
        key,
        key === "size" || (key === "most" && Number(value) >= 1e6)
          ? this.text.bytes(Number(value))
          : typeof value === "number" && key !== "reason"
            ? this.text.number(value, 0)
            : value,
      ]);
      return this.text.of(err.key, Object.fromEntries(values));
    }
    return explain(err, this.text);
  }

  private announce(key: string, values: Record<string, string | number> = {}): void {
    this.section.announce(this.text.of(key, values));
  }
}

type Bounds = [west: number, south: number, east: number, north: number];

function meets(one: Bounds, other: Bounds): boolean {
  return one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3];
}
