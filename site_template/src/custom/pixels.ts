// The single pixels inside border hexagons, from the tiles that the map shows close up: which part
// of a hexagon's land, sealed and changed pixels lies inside a shape.

import { ofPair, ofTable, ofYear } from "../shared/columns.ts";
import { PMTiles } from "pmtiles";
import { decodeBase64, MemorySource, ServerSource } from "../map/archive.ts";
import type { Settings } from "../shared/settings.ts";
import { loadBeside } from "./beside.ts";
import { type Picture, readNumbers } from "./png.ts";
import type { Point, Ring } from "./shapes.ts";

interface PixelArchive {
  name: string;
  pmtiles: string;
  script: string | null;
  bytes: number;
  minzoom: number;
  maxzoom: number;
}

/** The build's settings of further layers (hexseal/pages/settings.py). */
type WithLayers = Settings & {
  mapLayers: { archives: PixelArchive[]; codes: [number, number][] };
};

declare global {
  // Set by the scripts of further layers, by name (hexseal/tiles/archives.py).
  var hexsealArchives: Record<string, string> | undefined;
}

/** Pixels by code, in a hexagon and in the part of it that lies inside a shape. */
export interface CodeCounts {
  all: Float64Array;
  inside: Float64Array;
}

/** A border hexagon: its outline, and the part of a shape in it. */
export interface BorderCell {
  outline: Ring;
  inside: Ring[];
}

const NAME = "pixels";
const TILE = 512;
const CODES = 256;
// Codes 0 and 1 are no data and water in every year (hexseal/tiles/codes.py).
const WATER = 1;
const FIRST_MEANING = 2;
/** More tiles than this are not held at once; coarser ones are read instead. */
const MOST_TILES = 240;
/** A page without a server must load an archive as a whole. */
const WHOLE_LIMIT_BYTES = 32_000_000;

export class Pixels {
  private archive: Promise<PMTiles> | null = null;
  /** Tiles as last read, the oldest first: areas beside each other need the same. */
  private readonly kept = new Map<string, Promise<Picture | null>>();

  private constructor(
    private readonly settings: WithLayers,
    private readonly facts: PixelArchive,
  ) {}

  /** Return the pixels of a site, or null where it has none that this page can read. */
  static of(settings: Settings): Pixels | null {
    const known = settings as WithLayers;
    const found = known.mapLayers.archives.find(({ name }) => name === NAME);
    const isFile = location.protocol === "file:";
    if (found === undefined || (isFile && (!found.script || found.bytes > WHOLE_LIMIT_BYTES))) {
      return null;
    }
    return new Pixels(known, found);
  }

  /** Count the pixels of border hexagons; null where there would be too many tiles. */
  async count(cells: BorderCell[]): Promise<CodeCounts[] | null> {
    for (let zoom = this.facts.maxzoom; zoom >= this.facts.minzoom; zoom--) {
      const places = cells.map((cell) => toPixels(cell, zoom));
      const wanted = tilesOf(places);
      if (wanted.size <= MOST_TILES) {
        const tiles = await this.read([...wanted], zoom);
        return places.map((place) => countCell(place, tiles));
      }
    }
    return null;
  }

  /** Return for each column which codes it counts. */
  tests(): Map<string, Uint8Array> {
    const { years, pairs, mapLayers } = this.settings;
    const tests = new Map<string, Uint8Array>();
    const add = (column: string, holds: (sealed: number, confirmed: number) => boolean) => {
      const counted = new Uint8Array(CODES);
      mapLayers.codes.forEach(([sealed, confirmed], place) => {
        counted[place + FIRST_MEANING] = Number(holds(sealed, confirmed));
      });
      tests.set(column, counted);
      return counted;
    };
    add(ofTable("land_m2"), () => true);
    for (const column of [ofTable("valid_m2"), ofTable("valid_pixels")]) {
      add(column, () => true)[WATER] = 1;
    }
    years.forEach((year, place) => add(ofYear("sealed_m2", year), (sealed) => isSet(sealed, place)));
    pairs.forEach(([first, last], place) => {
      const [before, after] = [years.indexOf(first), years.indexOf(last)];
      const pair = `${first}_${last}`;
      const isNew = (sealed: number) => !isSet(sealed, before) && isSet(sealed, after);
      const isLost = (sealed: number) => isSet(sealed, before) && !isSet(sealed, after);
      // Densities rise and fall in pixels that stay sealed in part; the tiles do not show by how much.
      const either = (sealed: number) => isSet(sealed, before) || isSet(sealed, after);
      const isDensity = this.settings.density === true;
      add(ofPair("new_sealed_m2", pair), isDensity ? either : isNew);
      add(ofPair("unsealed_m2", pair), isDensity ? either : isLost);
      add(ofPair("confirmed_m2", pair), (_, confirmed) => isSet(confirmed, place));
      add(ofPair("adjusted_m2", pair), (sealed) => isNew(sealed) || isLost(sealed));
    });
    return tests;
  }

  private async read(keys: string[], zoom: number): Promise<Map<string, Picture>> {
    this.archive ??= this.open();
    this.archive.catch(() => (this.archive = null));
    const archive = await this.archive;
    const tiles = new Map<string, Picture>();
    await Promise.all(
      keys.map(async (key) => {
        const tile = await this.tile(archive, zoom, key);
        if (tile !== null) {
          tiles.set(key, tile);
        }
      }),
    );
    return tiles;
  }

  private tile(archive: PMTiles, zoom: number, key: string): Promise<Picture | null> {
    const name = `${zoom}/${key}`;
    const [x, y] = key.split("/").map(Number);
    const read = async () => {
      const tile = await archive.getZxy(zoom, x!, y!);
      return tile === undefined ? null : readNumbers(tile.data);
    };
    const tile = this.kept.get(name) ?? read();
    this.kept.delete(name);
    this.kept.set(name, tile);
    tile.catch(() => this.kept.delete(name));
    const [oldest] = this.kept.keys();
    if (this.kept.size > MOST_TILES && oldest !== undefined) {
      this.kept.delete(oldest);
    }
    return tile;
  }

  private async open(): Promise<PMTiles> {
    const { pmtiles, script, bytes } = this.facts;
    const { root } = this.settings;
    if (location.protocol !== "file:") {
      const address = new URL(root + pmtiles, location.href).href;
      return new PMTiles(new ServerSource(address, bytes, () => undefined));
    }
    const encoded = await loadBeside(root + (script ?? ""), () => {
      const left = globalThis.hexsealArchives?.[NAME];
      delete globalThis.hexsealArchives?.[NAME];
      return left;
    });
    return new PMTiles(new MemorySource(pmtiles, decodeBase64(encoded)));
  }
}

/** Return which part of a column's pixels lies inside, or null where the hexagon has none. */
export function shareOf({ all, inside }: CodeCounts, counted: Uint8Array): number | null {
  let [whole, part] = [0, 0];
  counted.forEach((isCounted, code) => {
    if (isCounted) {
      whole += all[code]!;
      part += inside[code]!;
    }
  });
  return whole > 0 ? part / whole : null;
}

function isSet(bits: number, place: number): boolean {
  return ((bits >> place) & 1) === 1;
}

function toPixels({ outline, inside }: BorderCell, zoom: number): BorderCell {
  const size = TILE * 2 ** zoom;
  const move = ([lng, lat]: Point): Point => {
    const y = Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);
    return [(lng / 360 + 0.5) * size, (0.5 - y) * size];
  };
  return { outline: outline.map(move), inside: inside.map((ring) => ring.map(move)) };
}

function tilesOf(cells: BorderCell[]): Set<string> {
  const tiles = new Set<string>();
  for (const { outline } of cells) {
    const [xs, ys] = [0, 1].map((axis) => outline.map((point) => Math.floor(point[axis]! / TILE)));
    for (let x = Math.min(...xs!); x <= Math.max(...xs!); x++) {
      for (let y = Math.min(...ys!); y <= Math.max(...ys!); y++) {
        tiles.add(`${x}/${y}`);
      }
    }
  }
  return tiles;
}

function countCell({ outline, inside }: BorderCell, tiles: Map<string, Picture>): CodeCounts {
  return { all: countRings([outline], tiles), inside: countRings(inside, tiles) };
}

/** Count the pixels whose centre lies inside rings, row by row. */
function countRings(rings: Ring[], tiles: Map<string, Picture>): Float64Array {
  const counts = new Float64Array(CODES);
  const ys = rings.flat().map((point) => point[1]);
  for (let row = Math.ceil(Math.min(...ys) - 0.5); row + 0.5 <= Math.max(...ys); row++) {
    const edges = crossings(rings, row + 0.5);
    for (let place = 0; place + 1 < edges.length; place += 2) {
      const end = Math.ceil(edges[place + 1]! - 0.5);
      countRun(counts, row, Math.ceil(edges[place]! - 0.5), end, tiles);
    }
  }
  return counts;
}

/** Return where a row meets the sides of rings, from left to right. */
function crossings(rings: Ring[], y: number): number[] {
  const found: number[] = [];
  for (const ring of rings) {
    let from = ring[ring.length - 1]!;
    for (const to of ring) {
      if (from[1] <= y !== to[1] <= y) {
        found.push(from[0] + ((y - from[1]) / (to[1] - from[1])) * (to[0] - from[0]));
      }
      from = to;
    }
  }
  return found.sort((one, other) => one - other);
}

/** Count columns start to end, without end, of a row; where there is no tile there are no data. */
function countRun(
  counts: Float64Array,
  row: number,
  start: number,
  end: number,
  tiles: Map<string, Picture>,
): void {
  for (let column = start; column < end; ) {
    const x = Math.floor(column / TILE);
    const last = Math.min(end, (x + 1) * TILE);
    const tile = tiles.get(`${x}/${Math.floor(row / TILE)}`);
    if (tile === undefined) {
      counts[0]! += last - column;
    } else {
      const base = (row % TILE) * (TILE + 1) + 1 - x * TILE;
      for (let at = column; at < last; at++) {
        counts[tile.rows[base + at]!]! += 1;
      }
    }
    column = last;
  }
}
