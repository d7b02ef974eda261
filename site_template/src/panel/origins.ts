// What newly sealed land was before: scripts beside the page (hexseal/pages/origins.py), read
// when something is selected.

import { cellToChildren, cellToParent, getResolution } from "h3-js";
import type { Origin } from "./charts.ts";
import type { Pair } from "../shared/measures.ts";
import type { Settings } from "../shared/settings.ts";
import type { Selection } from "../shared/state.ts";

// By pair and unit: [former class, raw m², confirmed m²].
type Table = Record<string, Record<string, [number, number, number][]>>;

declare global {
  // Set by assets/origins-HASH/*.js.
  var hexsealOrigins: Record<string, Table> | undefined;
}

/** Where new sealing came from; for small hexagons `cell` is the larger one that is shown. */
export interface Found {
  origins: Origin[];
  cell: string | null;
}

export class Origins {
  private readonly loading = new Map<string, Promise<Table>>();

  constructor(private readonly settings: Settings) {}

  /** Return what became sealed in a selection; nothing where the script cannot be read. */
  async of(selection: Selection, pair: Pair): Promise<Found> {
    const { folder, coarsest, resolution } = this.settings.origins;
    if (folder === "") {
      return { origins: [], cell: null };
    }
    if (selection.kind === "area") {
      const place = this.settings.layers.findIndex(({ layer }) => layer === selection.layer);
      const table = await this.read(`layer-${place}`);
      return { origins: this.sum(table, pair, [selection.id]), cell: null };
    }
    const table = await this.read(cellToParent(selection.index, coarsest));
    const isFiner = getResolution(selection.index) > resolution;
    const cells = isFiner
      ? [cellToParent(selection.index, resolution)]
      : cellToChildren(selection.index, resolution);
    return { origins: this.sum(table, pair, cells), cell: isFiner ? (cells[0] ?? null) : null };
  }

  private sum(table: Table, pair: Pair, units: string[]): Origin[] {
    const known = table[pair.join("-")] ?? {};
    const totals = new Map<number, Origin>();
    for (const [code, raw, confirmed] of units.flatMap((unit) => known[unit] ?? [])) {
      const label = this.settings.origins.classes[code] ?? String(code);
      const total = totals.get(code) ?? { label, raw: 0, confirmed: 0 };
      totals.set(code, { label, raw: total.raw + raw, confirmed: total.confirmed + confirmed });
    }
    return [...totals.values()];
  }

  private read(name: string): Promise<Table> {
    const known = this.loading.get(name) ?? this.load(name);
    this.loading.set(name, known);
    return known;
  }

  private load(name: string): Promise<Table> {
    return new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = `${this.settings.root}${this.settings.origins.folder}/${name}.js`;
      script.onload = () => resolve(globalThis.hexsealOrigins?.[name] ?? {});
      script.onerror = () => resolve({});
      document.head.append(script);
    });
  }
}
