// The finest hexagons, read by the parent cells that a shape meets: from a server the Parquet
// files themselves, from a folder the scripts that carry them (hexseal/partition_scripts.py).

import { SHAPE, ofPair, ofTable, spread } from "../shared/columns.ts";
import { parquetRead } from "hyparquet";
import { ArchiveError, decodeBase64 } from "../map/archive.ts";
import { loadBeside } from "./beside.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import type { Polygon } from "./shapes.ts";
import { type CellPlaces, hexagonRing, meets } from "./weights.ts";

/** Descendants stick out of their parent: at most by a quarter of its radius. */
const STRETCH = 1.25;
/** Above this many bytes of partitions a shape is refused. */
export const PARTITIONS_LIMIT_BYTES = 60_000_000;

/** Hexagons of one file, by column; NULL is 0. */
export interface CellTable {
  index: string[];
  columns: Record<string, Float64Array>;
  /** By pair (A_B): 1 where the maps support no figure of change, and there is none to add up. */
  ungraded: Record<string, Float64Array>;
}

declare global {
  // Set by assets/partitions/PARENT.js.
  var hexsealPartitions: Record<string, string> | undefined;
}

export class Partitions {
  private readonly read = new Map<string, Promise<CellTable>>();

  constructor(private readonly settings: Settings) {}

  /** Return the parents whose hexagons a shape may touch. */
  parentsOf(polygons: Polygon[]): string[] {
    return this.settings.partitions.parents.flatMap(([parent]) =>
      meets(polygons, hexagonRing(parent, STRETCH)) ? [parent] : [],
    );
  }

  bytesOf(parents: string[]): number {
    const wanted = new Set(parents);
    return this.settings.partitions.parents.reduce(
      (sum, [parent, , bytes]) => sum + (wanted.has(parent) ? bytes : 0),
      0,
    );
  }

  /** Return the hexagons below one parent; a failed file is requested again the next time. */
  async tableOf(parent: string): Promise<CellTable> {
    let table = this.read.get(parent);
    if (table === undefined) {
      table = this.load(parent).then((content) => readTable(content, this.settings));
      this.read.set(parent, table);
      table.catch(() => this.read.delete(parent));
    }
    return table;
  }

  private async load(parent: string): Promise<ArrayBuffer> {
    const { partitions, root } = this.settings;
    if (location.protocol === "file:") {
      return loadScript(parent, partitions.scripts, root);
    }
    const file = `${partitions.folder}/parent=${parent}/${partitions.file}`;
    const response = await fetch(new URL(root + file, location.href)).catch((err: unknown) => {
      throw new ArchiveError("app.custom.error.file", { file, reason: String(err) });
    });
    if (!response.ok) {
      throw new ArchiveError("app.custom.error.file", { file, reason: response.status });
    }
    return response.arrayBuffer();
  }
}

async function loadScript(parent: string, folder: string | null, root: string): Promise<ArrayBuffer> {
  if (folder === null) {
    throw new ArchiveError("app.custom.error.standalone");
  }
  const encoded = await loadBeside(`${root}${folder}/${parent}.js`, () => {
    const left = globalThis.hexsealPartitions?.[parent];
    delete globalThis.hexsealPartitions?.[parent];
    return left;
  });
  return decodeBase64(encoded).buffer;
}

/** Return the columns that add up to an answer. */
export function summedColumns({ years, pairs }: Settings): string[] {
  return spread(SHAPE, years, pairs);
}

function wantedColumns(settings: Settings): string[] {
  return [ofTable("lat"), ofTable("lon"), ofTable("area_m2"), ...summedColumns(settings)];
}

async function readTable(file: ArrayBuffer, settings: Settings): Promise<CellTable> {
  const index: string[] = [];
  const columns: Record<string, Float64Array> = {};
  const ungraded: Record<string, Float64Array> = {};
  const pairs = settings.pairs.map(([first, last]) => `${first}_${last}`);
  const pairOfGrade = new Map(pairs.map((pair) => [ofPair("grade", pair), pair]));
  await parquetRead({
    file,
    columns: ["h3_hex", ...wantedColumns(settings), ...pairOfGrade.keys()],
    onChunk: ({ columnName, columnData, rowStart }) => {
      if (columnName === "h3_hex") {
        columnData.forEach((cell, row) => (index[rowStart + row] = String(cell)));
        return;
      }
      const pair = pairOfGrade.get(columnName);
      if (pair !== undefined) {
        const flags = Float64Array.from(columnData as ArrayLike<unknown>, (grade) =>
          grade === "inconclusive" ? 1 : 0,
        );
        ungraded[pair] = joined(ungraded[pair], flags, rowStart);
        return;
      }
      const values = Float64Array.from(columnData as ArrayLike<number | bigint | null>, (value) =>
        Number(value ?? 0),
      );
      columns[columnName] = joined(columns[columnName], values, rowStart);
    },
  });
  return { index, columns, ungraded };
}

/** Put a chunk of a column behind those before it. */
function joined(before: Float64Array | undefined, chunk: Float64Array, start: number): Float64Array {
  if (before === undefined && start === 0) {
    return chunk;
  }
  const both = new Float64Array(Math.max(before?.length ?? 0, start + chunk.length));
  both.set(before ?? []);
  both.set(chunk, start);
  return both;
}

/** Return where the cells of a table lie; their corners are at most 1.35 mean radii away. */
export function placesOf({ index, columns }: CellTable): CellPlaces {
  const [lat, lng] = [columns[ofTable("lat")] ?? new Float64Array(), columns[ofTable("lon")] ?? new Float64Array()];
  const largest = (columns[ofTable("area_m2")] ?? new Float64Array()).reduce((most, area) => Math.max(most, area), 0);
  const steepest = lat.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // A regular hexagon's corners lie 0.62 x the root of its area from the centre; H3 distorts some.
  const reach = (0.62 * 1.35 * Math.sqrt(largest)) / 111_000;
  return { index, lat, lng, reach: [reach / Math.max(0.01, Math.cos((steepest * Math.PI) / 180)), reach] };
}

/** Add up columns of a table: `shareOf` is the part of a row that counts in a column. */
export function addShares(
  sums: Figures,
  { columns }: CellTable,
  rows: number[],
  shareOf: (row: number, column: string) => number,
): void {
  for (const [name, values] of Object.entries(columns)) {
    sums[name] = rows.reduce((sum, row) => sum + shareOf(row, name) * values[row]!, sums[name] ?? 0);
  }
}
