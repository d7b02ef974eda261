// The map itself: MapLibre with its worker inside the script, fed by the archive.

import {
  addProtocol,
  AttributionControl,
  type GeoJSONSource,
  Map as MapLibre,
  type MapGeoJSONFeature,
  NavigationControl,
  type PointLike,
  type RasterTileSource,
  ScaleControl,
  setWorkerUrl,
  type StyleSpecification,
} from "maplibre-gl";
import workerText from "maplibre-gl/dist/maplibre-gl-worker.mjs";
import type { PMTiles } from "pmtiles";
import { indexOf, outlineOf } from "./cells.ts";
import { findArchive, serveLayers } from "./archives.ts";
import { addDot } from "./graphics.ts";
import { COVER, escaped, groundTiles, PATCHES } from "./ground.ts";
import { PHONE } from "../shared/dom.ts";
import { element, type Figures, type Settings } from "../shared/settings.ts";
import type { AreaKey, Camera } from "../shared/state.ts";
import {
  ARCHIVE,
  AREAS,
  HEXAGONS,
  type Look,
  mapLayers,
  MARKS,
  mapStyle,
  PROTOCOL,
} from "./style.ts";
import type { Text } from "../shared/text.ts";

/** A hexagon as the map shows it. */
export interface Cell {
  index: string;
  resolution: number;
  figures: Figures;
}

/** A confirmed patch of new sealing (hexseal/tiles/patches.py). */
export interface Patch {
  pair: string;
  rank: number;
  q_value: number;
  area_m2: number;
  origin: string;
}

const PADDING = 28;
// What search and choices over the map take: on a phone, and beside the panel.
const [PHONE_TOP, PHONE_LEGEND, DESKTOP_TOP] = [116, 92, 36];
// Below this width or height in pixels the sources would cover the map or its buttons.
const NARROW = 560;
const LOW = 400;
// Past the finest hexagons there is nothing more to see.
const EXTRA_ZOOM = 4;
const PIXEL_ZOOM = 3;

export class HexagonMap {
  readonly map: MapLibre;
  /** The second map of a comparison, which shows the same marks. */
  twin: MapLibre | null = null;
  /** Pixels at the bottom that a sheet covers. */
  private covered = 0;
  private marks: Record<"hover" | "selected", string | null> = { hover: null, selected: null };

  constructor(
    container: HTMLElement,
    private readonly settings: Settings,
    text: Text,
    archive: PMTiles,
    look: Look,
    camera: Camera | null,
  ) {
    setWorkerUrl(URL.createObjectURL(new Blob([workerText], { type: "text/javascript" })));
    serveTiles(archive);
    serveLayers(settings);
    this.map = new MapLibre({
      container,
      style: withoutCover(mapStyle(settings, look)),
      ...(camera
        ? { center: [camera.lng, camera.lat], zoom: camera.zoom, bearing: camera.bearing ?? 0 }
        : { center: centerOfBounds(settings.tiles.bounds), zoom: 1 }),
      minZoom: 1,
      maxZoom: mostZoom(settings),
      // A region across 180 degrees lies on two copies of the world.
      renderWorldCopies: settings.tiles.bounds[2] > 180,
      maxPitch: 0,
      pitchWithRotate: false,
      touchPitch: false,
      attributionControl: false,
      fadeDuration: 0,
      locale: {
        "Map.Title": text.of("app.map.title"),
        "NavigationControl.ZoomIn": text.of("app.map.zoom_in"),
        "NavigationControl.ZoomOut": text.of("app.map.zoom_out"),
        "AttributionControl.ToggleAttribution": text.of("app.map.attribution"),
      },
    });
    noteLook(this.map, settings, look);
    this.map.keyboard.disableRotation();
    this.map.once("style.load", () => addDot(this.map));
    this.addControls();
  }

  /** Draw the land cover too, which waits for the hexagons; false where the site has none. */
  showCover(): boolean {
    const isThere = this.map.getLayer(COVER) !== undefined;
    if (isThere) {
      this.map.setLayoutProperty(COVER, "visibility", "visible");
    }
    return isThere;
  }

  /** Bring layers in line with another look; only what differs is sent to the graphics card. */
  show(look: Look): void {
    applyLook(this.map, this.settings, look);
  }

  cellAt(point: PointLike): Cell | null {
    const [feature] = this.map.queryRenderedFeatures(point, { layers: [HEXAGONS] });
    return feature ? cellOf(feature) : null;
  }

  /** Return the text of the confirmed patch at a point of the screen, if patches are shown. */
  patchAt(point: PointLike): Patch | null {
    const layers = this.map.getLayer(PATCHES) === undefined ? [] : [PATCHES];
    const [feature] = layers.length > 0 ? this.map.queryRenderedFeatures(point, { layers }) : [];
    return feature === undefined ? null : (feature.properties as Patch);
  }

  /** Return the areas of every layer that a point of the screen lies in, each once. */
  areasAt(point: PointLike): AreaKey[] {
    const found = new Map<string, AreaKey>();
    // Near the edge of a tile, neighbouring tiles both hold the area.
    for (const { properties } of this.map.queryRenderedFeatures(point, { layers: [AREAS] })) {
      const key = { layer: String(properties["layer"]), id: String(properties["id"]) };
      found.set(`${key.layer}/${key.id}`, key);
    }
    return [...found.values()];
  }

  /** Return a cell with its figures if its tile is loaded. */
  loadedCell(index: string, lowBits: number): Cell | null {
    const [feature] = this.map.querySourceFeatures(ARCHIVE, {
      sourceLayer: HEXAGONS,
      filter: ["==", ["id"], lowBits],
    });
    const cell = feature ? cellOf(feature) : null;
    return cell?.index === index ? cell : null;
  }

  mark(kind: "hover" | "selected", index: string | null): void {
    if (this.marks[kind] === index) {
      return;
    }
    this.marks[kind] = index;
    const features = Object.entries(this.marks).flatMap(([name, cell]) =>
      cell === null ? [] : [{ ...outlineOf(cell), properties: { kind: name } }],
    );
    for (const map of [this.map, this.twin]) {
      map?.getSource<GeoJSONSource>(MARKS)?.setData({ type: "FeatureCollection", features });
    }
  }

  /** Add the marks that are there already to a second map. */
  markTwin(): void {
    const { selected } = this.marks;
    this.marks = { ...this.marks, selected: null };
    this.mark("selected", selected);
  }

  get camera(): Camera {
    const { lng, lat } = this.map.getCenter();
    return { zoom: this.map.getZoom(), lat, lng, bearing: this.map.getBearing() };
  }

  get resolution(): number {
    const zoom = Math.min(Math.floor(this.map.getZoom()), this.settings.tiles.maxzoom);
    const { bands } = this.settings.tiles;
    return (bands.find((band) => zoom <= band.maxzoom) ?? bands.at(-1))?.resolution ?? 0;
  }

  /** Show the whole region; at once when ``jump`` is set. */
  home(jump = false): void {
    this.fit(this.settings.tiles.bounds, jump);
  }

  /** Keep content and buttons above what covers the bottom of the map. */
  cover(pixels: number): void {
    this.covered = pixels;
    this.map.getContainer().style.setProperty("--covered", `${Math.round(pixels)}px`);
  }

  /** Show bounds as large as fits beside the legend, or above it, whichever is larger. */
  fit(bounds: [number, number, number, number], jump = false): void {
    const options = { maxZoom: this.settings.tiles.maxzoom + 3 };
    const cameras = clearOf(this.map.getContainer(), element("legend"), this.covered).map((padding) =>
      this.map.cameraForBounds(bounds, { ...options, padding }),
    );
    const zoom = (camera: (typeof cameras)[number]) => camera?.zoom ?? -1;
    const [best] = cameras.sort((one, other) => zoom(other) - zoom(one));
    if (best !== undefined && jump) {
      this.map.jumpTo(best);
    } else if (best !== undefined) {
      this.map.easeTo(best);
    }
  }

  private addControls(): void {
    this.map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new ScaleControl({ unit: "metric", maxWidth: 110 }), "bottom-right");
    // MapLibre puts attributions into the page as markup.
    const attribution = escaped(this.settings.region.attribution);
    const control = new AttributionControl({ compact: true, customAttribution: attribution });
    this.map.addControl(control, "bottom-right");
    const { clientWidth, clientHeight } = this.map.getContainer();
    const isPhone = matchMedia(PHONE).matches;
    if (isPhone || clientWidth < NARROW || clientHeight < LOW) {
      // It is printed among the notes too; here a touch opens it.
      this.map.getContainer().querySelector("details[open]")?.removeAttribute("open");
    }
  }
}

/** What each map shows, as text: MapLibre draws again whatever is set, changed or not. */
const looks = new WeakMap<MapLibre, string>();

/** Remember what a map shows from its style on; return whether that is anything new. */
export function noteLook(map: MapLibre, settings: Settings, look: Look): boolean {
  const { ground, palette } = look;
  const shown = JSON.stringify([mapLayers(settings, look), [...groundTiles(settings, ground, palette)]]);
  const isNew = looks.get(map) !== shown;
  looks.set(map, shown);
  return isNew;
}

/** Bring a map's layers and tiles in line with a look. */
export function applyLook(map: MapLibre, settings: Settings, look: Look): void {
  if (!noteLook(map, settings, look)) {
    return;
  }
  for (const layer of mapLayers(settings, look)) {
    for (const [name, value] of Object.entries(layer.paint ?? {})) {
      map.setPaintProperty(layer.id, name as never, value as never);
    }
    if (layer.layout?.visibility !== undefined) {
      map.setLayoutProperty(layer.id, "visibility", layer.layout.visibility);
    }
    if ("minzoom" in layer && layer.minzoom !== undefined) {
      map.setLayerZoomRange(layer.id, layer.minzoom, 24);
    }
    if ("filter" in layer && layer.filter !== undefined && layer.source !== MARKS) {
      map.setFilter(layer.id, layer.filter);
    }
  }
  for (const [name, address] of groundTiles(settings, look.ground, look.palette)) {
    const source = map.getSource<RasterTileSource>(name);
    if (source !== undefined && source.tiles[0] !== address) {
      source.setTiles([address]);
    }
  }
}

function centerOfBounds([west, south, east, north]: Settings["tiles"]["bounds"]): [number, number] {
  return [(west + east) / 2, (south + north) / 2];
}

/** A few zooms past the finest hexagons, or past the pixels that can be distinguished. */
function mostZoom(settings: Settings): number {
  const pixels = findArchive(settings, "pixels")?.maxzoom ?? 0;
  return Math.max(settings.tiles.maxzoom + EXTRA_ZOOM, pixels + PIXEL_ZOOM);
}

function serveTiles(archive: PMTiles): void {
  addProtocol(PROTOCOL, async ({ url }, abort) => {
    const [z, x, y] = url.split("/").slice(-3).map(Number);
    const tile = await archive.getZxy(z ?? 0, x ?? 0, y ?? 0, abort.signal);
    return { data: tile?.data ?? new ArrayBuffer(0) };
  });
}

function cellOf({ id, properties }: Pick<MapGeoJSONFeature, "id" | "properties">): Cell {
  const { resolution, ...figures } = properties as Figures & { resolution: number };
  return { index: indexOf(Number(id), resolution), resolution, figures };
}

/** Return a style whose land cover loads no tiles yet. */
function withoutCover(style: StyleSpecification): StyleSpecification {
  const layers = style.layers.map((layer) =>
    layer.id === COVER && layer.type === "raster" ? { ...layer, layout: { visibility: "none" as const } } : layer,
  );
  return { ...style, layers };
}

/** Return paddings that keep a map's content away from a box in its lower left corner. */
function clearOf(map: HTMLElement, box: HTMLElement, covered: number) {
  const even = { top: PADDING, right: PADDING, bottom: PADDING, left: PADDING };
  if (covered > 0) {
    // On a phone the legend is a strip above the sheet, and search and choices lie at the top.
    const choices = document.querySelector(".map-choices")?.getBoundingClientRect().bottom ?? 0;
    const top = Math.max(PHONE_TOP, choices - map.getBoundingClientRect().top + PADDING / 2);
    const bottom = covered + PHONE_LEGEND;
    const room = map.clientHeight - top - bottom;
    return [{ ...even, ...(room > 2 * PADDING ? { top, bottom } : { bottom: covered }) }];
  }
  const [outer, inner] = [map.getBoundingClientRect(), box.getBoundingClientRect()];
  const over = inner.width > 0 && inner.top < outer.bottom && inner.left < outer.right;
  // A page in another's frame has no choices above its map.
  const hasChoices = document.querySelector(".embedded") === null;
  const below = { ...even, top: PADDING + (hasChoices ? DESKTOP_TOP : 0) };
  const beside = { ...below, left: inner.right - outer.left + PADDING / 2 };
  const above = { ...below, bottom: outer.bottom - inner.top + PADDING / 2 };
  const hasRoom = ({ top, right, bottom, left }: typeof even) =>
    map.clientHeight - top - bottom > PADDING && map.clientWidth - left - right > PADDING;
  const roomy = (over ? [beside, above] : [below]).filter(hasRoom);
  return roomy.length > 0 ? roomy : [{ top: 4, right: 4, bottom: 4, left: 4 }];
}
