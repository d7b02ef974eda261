// Archives of further layers: each is opened when the map first requests one of its tiles.

import { addProtocol } from "maplibre-gl";
import { PMTiles } from "pmtiles";
import { ArchiveError, MemorySource, readBeside, ServerSource } from "./archive.ts";
import type { ThemeName } from "./palette.ts";
import type { LayerArchive, Settings } from "../shared/settings.ts";
import { groundPalette, pixelPalette, recolored } from "./pixels.ts";

/** Tiles as they are: hexseal-layer://NAME/{z}/{x}/{y}. */
const LAYER = "hexseal-layer";
/** Pixels in the colours of a theme and of a year or a pair: hexseal-pixels://THEME/TIME/{z}/{x}/{y}. */
const PIXELS = "hexseal-pixels";

/** The land cover beneath all else, in the colours of a theme: hexseal-ground://THEME/{z}/{x}/{y}. */
const GROUND = "hexseal-ground";

/** Return the address of the tiles of land cover in the colours of a theme. */
export function coverTiles(theme: ThemeName): string {
  return `${GROUND}://${theme}/{z}/{x}/{y}`;
}

export function layerTiles(name: string): string {
  return `${LAYER}://${name}/{z}/{x}/{y}`;
}

/** ``time`` is a year or a pair of years ("2018-2021"). */
export function pixelTiles(theme: ThemeName, time: string): string {
  return `${PIXELS}://${theme}/${time}/{z}/{x}/{y}`;
}

export function findArchive(settings: Settings, name: string): LayerArchive | undefined {
  return settings.mapLayers.archives.find((archive) => archive.name === name);
}

let served: LayerArchives | null = null;

/** Return a tile of a layer as a picture: an image, or the pixels of a year; null where there is none. */
export async function tilePicture(
  settings: Settings,
  layer: { name: string; theme: ThemeName; year: number },
  place: [number, number, number],
): Promise<Blob | null> {
  const abort = new AbortController();
  const tile = (await served?.tile(layer.name, place.map(String), abort.signal)) ?? null;
  if (tile === null) {
    return null;
  }
  const isCode = layer.name === "pixels";
  const content = isCode ? recolored(tile, pixelPalette(settings, layer.theme, String(layer.year))) : tile;
  const format = findArchive(settings, layer.name)?.format ?? "png";
  return new Blob([content], { type: `image/${format}` });
}

export function serveLayers(settings: Settings): void {
  const archives = new LayerArchives(settings);
  served = archives;
  addProtocol(LAYER, async ({ url }, abort) => {
    const [name = "", ...place] = partsOf(url);
    const data = await archives.tile(name, place, abort.signal);
    const isPicture = findArchive(settings, name)?.format !== "mvt";
    return { data: data ?? (isPicture ? emptyPicture() : new ArrayBuffer(0)) };
  });
  addProtocol(GROUND, async ({ url }, abort) => {
    const [theme, ...place] = partsOf(url);
    const picture = await archives.tile("ground", place, abort.signal);
    const palette = groundPalette(theme === "dark" ? "dark" : "light");
    return { data: picture === null ? emptyPicture() : recolored(picture, palette) };
  });
  addProtocol(PIXELS, async ({ url }, abort) => {
    const [theme, time = "", ...place] = partsOf(url);
    const picture = await archives.tile("pixels", place, abort.signal);
    const palette = pixelPalette(settings, theme === "dark" ? "dark" : "light", time);
    return { data: picture === null ? emptyPicture() : recolored(picture, palette) };
  });
}

function partsOf(url: string): string[] {
  return (url.split("://")[1] ?? "").split("/");
}

class LayerArchives {
  private readonly opened = new Map<string, Promise<PMTiles>>();

  constructor(private readonly settings: Settings) {}

  /** Return a tile, or null where the archive has none. */
  async tile(name: string, place: string[], signal: AbortSignal): Promise<ArrayBuffer | null> {
    const [z, x, y] = place.map(Number);
    const archive = await this.open(name);
    const tile = await archive.getZxy(z ?? 0, x ?? 0, y ?? 0, signal);
    return tile?.data ?? null;
  }

  private open(name: string): Promise<PMTiles> {
    let archive = this.opened.get(name);
    if (archive === undefined) {
      archive = this.read(name);
      // A later tile tries again.
      archive.catch(() => this.opened.delete(name));
      this.opened.set(name, archive);
    }
    return archive;
  }

  private async read(name: string): Promise<PMTiles> {
    const found = findArchive(this.settings, name);
    if (found === undefined) {
      throw new ArchiveError("app.error.archive_changed", { file: name });
    }
    const { root } = this.settings;
    if (location.protocol !== "file:") {
      const address = new URL(root + found.pmtiles, location.href).href;
      return new PMTiles(new ServerSource(address, found.bytes, () => undefined));
    }
    const take = () => {
      const encoded = globalThis.hexsealArchives?.[name];
      delete globalThis.hexsealArchives?.[name];
      return encoded;
    };
    return new PMTiles(new MemorySource(found.pmtiles, await readBeside(found.script, root, take)));
  }
}

/** One transparent pixel: where an archive has no tile there is nothing to see, and no error. */
function emptyPicture(): ArrayBuffer {
  const text =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII=";
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}
