// What lies behind and over the hexagons: a basemap, images, single pixels, confirmed patches.

import type { ExpressionSpecification, FilterSpecification, LayerSpecification, SourceSpecification } from "maplibre-gl";
import type { Palette } from "./palette.ts";
import type { LayerArchive, Settings } from "../shared/settings.ts";
import type { Ground, State } from "../shared/state.ts";
import type { Bounds } from "../custom/shapes.ts";
import { coverTiles, findArchive, layerTiles, pixelTiles } from "./archives.ts";

export const PIXELS = "pixels";
export const IMAGE = "image";
export const PATCHES = "patches";
const PATCH_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 10, 0.3, 13, 1.6];
export const COVER = "ground";
const BASEMAP = "basemap";
const WATER = /water|ocean|sea|lake|river/i;

export interface GroundLook {
  kind: Ground;
  /** A year, or a pair of years ("2018-2021"). */
  time: string;
  /** The year whose image is shown, or 0. */
  image: number;
  /** The pair whose confirmed patches are outlined, or "". */
  patches: string;
  basemap: boolean;
}

/** Return what lies behind the hexagons of a state; ``year`` stands for the state's own. */
export function groundOf(state: State, settings: Settings, year = state.year): GroundLook {
  const time = state.view === "share" ? String(year) : state.pair;
  const last = Number(time.split("-").at(-1));
  return {
    kind: state.ground,
    time,
    image: settings.mapLayers.imageYears.includes(last) ? last : 0,
    patches: state.patches && state.view === "change" && state.basis !== "raw" ? state.pair : "",
    basemap: state.basemap && settings.mapLayers.basemap !== null,
  };
}

/** Return the archive that the ground needs, or undefined where hexagons are all there is. */
export function groundArchive(settings: Settings, ground: GroundLook): LayerArchive | undefined {
  if (ground.kind === "images") {
    return findArchive(settings, `image-${ground.image}`);
  }
  return ground.kind === "pixels" ? findArchive(settings, "pixels") : undefined;
}

/** Return bounds as sources take them: those that cross 180 degrees become the whole globe's. */
export function extentOf([west, south, east, north]: Bounds): Bounds {
  return east > 180 ? [-180, south, 180, north] : [west, south, east, north];
}

export function groundSources(
  settings: Settings,
  ground: GroundLook,
  palette: Palette,
): Record<string, SourceSpecification> {
  const sources: Record<string, SourceSpecification> = {};
  const image = settings.mapLayers.imageYears.at(-1) ?? 0;
  for (const archive of settings.mapLayers.archives) {
    const { minzoom, maxzoom } = archive;
    const extent = { bounds: extentOf(archive.bounds), minzoom, maxzoom };
    if (archive.name === COVER) {
      sources[COVER] = { type: "raster", tiles: [coverTiles(palette.name)], tileSize: 512, ...extent };
    } else if (archive.name === "pixels") {
      const tiles = [pixelTiles(palette.name, ground.time)];
      sources[PIXELS] = { type: "raster", tiles, tileSize: 512, ...extent };
    } else if (archive.name === `image-${image}`) {
      const tiles = [layerTiles(`image-${ground.image || image}`)];
      const attribution = escaped(settings.mapLayers.imageAttribution);
      sources[IMAGE] = { type: "raster", tiles, tileSize: 512, attribution, ...extent };
    } else if (archive.name === "patches") {
      sources[PATCHES] = { type: "vector", tiles: [layerTiles("patches")], ...extent };
    } else if (archive.name === "basemap") {
      const attribution = escaped(plain(settings.mapLayers.basemap?.attribution ?? ""));
      const type = archive.format === "mvt" ? "vector" : "raster";
      sources[BASEMAP] = { type, tiles: [layerTiles("basemap")], attribution, ...extent };
    }
  }
  return sources;
}

/** Return the tiles that each raster source shows now. */
export function groundTiles(settings: Settings, ground: GroundLook, palette: Palette) {
  const tiles = new Map<string, string>();
  if (findArchive(settings, COVER) !== undefined) {
    tiles.set(COVER, coverTiles(palette.name));
  }
  if (findArchive(settings, "pixels") !== undefined) {
    tiles.set(PIXELS, pixelTiles(palette.name, ground.time));
  }
  if (ground.image !== 0) {
    tiles.set(IMAGE, layerTiles(`image-${ground.image}`));
  }
  return tiles;
}

/** Layers beneath the hexagons. */
export function basemapLayers(settings: Settings, ground: GroundLook, palette: Palette): LayerSpecification[] {
  return [...coverLayers(settings), ...readersOwn(settings, ground, palette)];
}

/** The region's own land cover, so that a place is recognised without any other map. */
function coverLayers(settings: Settings): LayerSpecification[] {
  const paint = { "raster-fade-duration": 0, "raster-resampling": "linear" } as const;
  return findArchive(settings, COVER) === undefined ? [] : [{ id: COVER, type: "raster", source: COVER, paint }];
}

function readersOwn(settings: Settings, ground: GroundLook, palette: Palette): LayerSpecification[] {
  const archive = findArchive(settings, "basemap");
  if (archive === undefined) {
    return [];
  }
  const layout = visible(ground.basemap);
  if (archive.format !== "mvt") {
    const paint = { "raster-saturation": -0.6, "raster-fade-duration": 0 } as const;
    return [{ id: BASEMAP, type: "raster", source: BASEMAP, layout, paint }];
  }
  return (settings.mapLayers.basemap?.layers ?? []).flatMap((name): LayerSpecification[] => {
    const base = { source: BASEMAP, "source-layer": name, layout };
    const of = (type: string): FilterSpecification => ["==", "$type", type];
    const line: LayerSpecification = {
      id: `basemap-line-${name}`,
      type: "line",
      ...base,
      filter: of("LineString"),
      paint: { "line-color": palette.areaLine, "line-width": 0.8, "line-opacity": 0.35 },
    };
    const water: LayerSpecification = {
      id: `basemap-fill-${name}`,
      type: "fill",
      ...base,
      filter: of("Polygon"),
      paint: { "fill-color": palette.ground.water },
    };
    return WATER.test(name) ? [water, line] : [line];
  });
}

/** Layers over the hexagons and under the outlines of areas. */
export function groundLayers(settings: Settings, ground: GroundLook, palette: Palette): LayerSpecification[] {
  const layers: LayerSpecification[] = [];
  const add = (id: string, kind: Ground, isThere: boolean, minzoom: number, resampling: "nearest" | "linear") =>
    layers.push({
      id,
      type: "raster",
      source: id,
      minzoom,
      layout: visible(ground.kind === kind && isThere),
      paint: { "raster-fade-duration": 0, "raster-resampling": resampling },
    });
  const years = settings.mapLayers.imageYears;
  const image = findArchive(settings, `image-${years.at(-1) ?? 0}`);
  if (image !== undefined) {
    add(IMAGE, "images", ground.image !== 0, image.minzoom, "linear");
  }
  const pixels = findArchive(settings, "pixels");
  if (pixels !== undefined) {
    add(PIXELS, "pixels", true, pixels.minzoom, "nearest");
  }
  return [...layers, ...patchLayers(settings, ground, palette)];
}

function patchLayers(settings: Settings, ground: GroundLook, palette: Palette): LayerSpecification[] {
  const archive = findArchive(settings, "patches");
  if (archive === undefined) {
    return [];
  }
  const isSolid = ground.kind === "hexagons";
  const base = {
    source: PATCHES,
    "source-layer": "patches",
    minzoom: archive.minzoom,
    filter: ["==", ["get", "pair"], ground.patches] as FilterSpecification,
    layout: visible(ground.patches !== ""),
  };
  return [
    // Solid over hexagons; an outline where pixels or an image are what is looked at.
    { id: PATCHES, type: "fill", ...base, paint: { "fill-color": palette.patch, "fill-opacity": isSolid ? 0.95 : 0 } },
    {
      id: "patch-line",
      type: "line",
      ...base,
      paint: { "line-color": isSolid ? palette.selectedCasing : palette.patch, "line-width": PATCH_WIDTH },
    },
  ];
}

function visible(shown: boolean): { visibility: "visible" | "none" } {
  return { visibility: shown ? "visible" : "none" };
}

// Attributions may come as markup; MapLibre would put it into the page.
function plain(markup: string): string {
  return new DOMParser().parseFromString(markup, "text/html").body.textContent ?? "";
}

export function escaped(text: string): string {
  const box = document.createElement("p");
  box.textContent = text;
  return box.innerHTML;
}
