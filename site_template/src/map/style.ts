// The map's style: sources and layers as functions of palette, measure and outlines.

import type {
  ExpressionSpecification,
  FilterSpecification,
  LayerSpecification,
  StyleSpecification,
} from "maplibre-gl";
import {
  basemapLayers,
  groundArchive,
  groundLayers,
  type GroundLook,
  extentOf,
  groundSources,
} from "./ground.ts";
import { unsureColor } from "./unsure.ts";
import { measureExpression } from "../shared/measures.ts";
import type { Palette } from "./palette.ts";
import type { Measure, Scale, Settings } from "../shared/settings.ts";

export const PROTOCOL = "hexseal";
export const ARCHIVE = "archive";
export const MARKS = "marks";
export const HEXAGONS = "hexagons";
export const AREAS = "areas";
/** The number of "within_noise" in the tiles (SIGNALS in hexseal/tiles.py). */
const WITHIN_NOISE = 1;
/** The number of "inconclusive": such hexagons carry no figure of change. */
const INCONCLUSIVE = 4;
const BASEMAP_OPACITY = 0.72;
const STEPPED_BACK = 0.12;
/** Outlines grow from a hair at region scale to a clear line in a town. */
const AREA_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 6, 0.6, 11, 1.4];
const CASING_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 6, 1.8, 11, 3.4];

/** A class of the legend: its place in the ramp, or one of those beside it. */
export type ClassKey = number | "zero" | "noise" | "water";

export interface Look {
  palette: Palette;
  measure: Measure;
  breaks: Record<Scale, number[]>;
  ground: GroundLook;
  /** Suppress values where they are uncertain. */
  unsure: boolean;
  /** The class that the reader points at in the legend; the others step back. */
  highlight: ClassKey | null;
  /** The year on the left of a divider, or 0. */
  beside: number;
  /** The layer of areas whose outlines are drawn, or "". */
  outlines: string;
  selectedArea: { layer: string; id: string } | null;
}

export function mapStyle(settings: Settings, look: Look): StyleSpecification {
  const { minzoom, maxzoom } = settings.tiles;
  const bounds = extentOf(settings.tiles.bounds);
  return {
    version: 8,
    sources: {
      [ARCHIVE]: {
        type: "vector",
        tiles: [`${PROTOCOL}://tiles/{z}/{x}/{y}`],
        bounds,
        minzoom,
        maxzoom,
      },
      ...groundSources(settings, look.ground, look.palette),
      [MARKS]: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: mapLayers(settings, look),
  };
}

export function mapLayers(settings: Settings, look: Look): LayerSpecification[] {
  const { palette, ground } = look;
  return [
    {
      id: "background",
      type: "background",
      paint: { "background-pattern": hatchName(palette) },
    },
    ...basemapLayers(settings, ground, palette),
    {
      id: HEXAGONS,
      type: "fill",
      source: ARCHIVE,
      "source-layer": HEXAGONS,
      paint: {
        "fill-color": fillOf(look),
        "fill-outline-color": palette.cellLine,
        "fill-opacity": opacityOf(settings, look),
      },
    },
    ...groundLayers(settings, ground, palette),
    ...cellLines(settings, look),
    ...areaLayers(look),
    ...markLayers(palette),
  ];
}

/** Return the fill of a hexagon; where the reader points at a class, the others step back.
 *
 * Through their colour, not through an opacity of each: that would be another shader program, which
 * the page has to wait for.
 */
function fillOf(look: Look): ExpressionSpecification {
  const color = colorOf(look);
  if (look.highlight === null) {
    return color;
  }
  const channel = (place: number) => ["at", place, ["to-rgba", ["var", "color"]]];
  const faded = ["rgba", channel(0), channel(1), channel(2), STEPPED_BACK];
  const shown = ["case", isOfClass(look, look.highlight), ["var", "color"], faded];
  return ["let", "color", color, shown] as unknown as ExpressionSpecification;
}

/** Return the fill of a hexagon: a colour per class, one each for no land, none, within noise. */
export function colorOf({ palette, measure, breaks, unsure }: Look): ExpressionSpecification {
  if (unsure) {
    const color = unsureColor(measure, palette, breaks.change);
    return ["case", ["<=", ["get", "land_m2"], 0], palette.water, ...open({ palette, measure }), color];
  }
  const ramp = palette.ramps[measure.scale];
  const steps = breaks[measure.scale].flatMap((edge, place) => [edge, ramp[place + 1] ?? ""]);
  const stepped = [
    "step",
    measureExpression(measure),
    ramp[0] ?? "",
    ...steps,
  ] as unknown as ExpressionSpecification;
  const zero: ExpressionSpecification = ["==", measureExpression(measure), 0];
  const colored: ExpressionSpecification =
    measure.signal !== null
      ? ["case", ["==", ["get", measure.signal], WITHIN_NOISE], palette.noise, stepped]
      : hasZero(measure)
        ? ["case", zero, palette.zero, stepped]
        : stepped;
  return ["case", ["<=", ["get", "land_m2"], 0], palette.water, ...open({ palette, measure }), colored];
}

/** Return the case of hexagons whose grade is inconclusive, for measures that such ones lack. */
function open({ palette, measure }: Pick<Look, "palette" | "measure">): [ExpressionSpecification, string] | [] {
  return measure.open === null ? [] : [["==", ["get", measure.open], INCONCLUSIVE], palette.noise];
}

/** Hexagons make room where single pixels or an image are shown, and let a basemap through. */
function opacityOf(settings: Settings, look: Look): ExpressionSpecification | number {
  const most = look.ground.basemap ? BASEMAP_OPACITY : 1;
  const archive = groundArchive(settings, look.ground);
  return archive === undefined ? most : ["step", ["zoom"], most, archive.minzoom, 0];
}

/** Tell of a hexagon whether the legend counts it to a class. */
function isOfClass({ measure, breaks }: Look, key: ClassKey): ExpressionSpecification {
  const hasLand: ExpressionSpecification = [">", ["get", "land_m2"], 0];
  const isOpen: ExpressionSpecification =
    measure.open === null ? ["literal", false] as never : ["==", ["get", measure.open], INCONCLUSIVE];
  const isNoise: ExpressionSpecification =
    measure.signal === null
      ? isOpen
      : ["any", isOpen, ["==", ["get", measure.signal], WITHIN_NOISE]];
  const value = measureExpression(measure);
  const isZero: ExpressionSpecification = hasZero(measure) ? ["==", value, 0] : (["literal", false] as never);
  if (key === "water") {
    return ["!", hasLand];
  }
  if (key === "noise" || key === "zero") {
    return ["all", hasLand, key === "noise" ? isNoise : isZero];
  }
  const edges = breaks[measure.scale];
  const place = ["step", value, 0, ...edges.flatMap((edge, n) => [edge, n + 1])] as never;
  return ["all", hasLand, ["!", isNoise], ["!", isZero], ["==", place, key]];
}

/** The hexagons' outlines over pixels and images, so that figures and ground are read together. */
function cellLines(settings: Settings, { ground, palette }: Look): LayerSpecification[] {
  const archive = groundArchive(settings, ground);
  return [
    {
      id: "hexagon-lines",
      type: "line",
      source: ARCHIVE,
      "source-layer": HEXAGONS,
      minzoom: archive?.minzoom ?? 0,
      layout: { visibility: archive === undefined ? "none" : "visible" },
      paint: {
        "line-color": ground.kind === "images" ? "#ffffff" : palette.areaLine,
        "line-width": 1,
        "line-opacity": 0.45,
      },
    },
  ];
}

/** Tell whether none at all is a class of its own; where signs differ the middle class holds it. */
export function hasZero({ scale }: Measure): boolean {
  return scale !== "change";
}

function areaLayers({ palette, outlines, selectedArea }: Look): LayerSpecification[] {
  const shown: FilterSpecification = ["==", ["get", "layer"], outlines];
  const selected: FilterSpecification = [
    "all",
    ["==", ["get", "layer"], selectedArea?.layer ?? ""],
    ["==", ["get", "id"], selectedArea?.id ?? ""],
  ];
  const base = { source: ARCHIVE, "source-layer": AREAS } as const;
  return [
    // Without colour: only so that a place can be asked which areas it lies in.
    { id: AREAS, type: "fill", ...base, paint: { "fill-opacity": 0 } },
    {
      id: "area-casing",
      type: "line",
      ...base,
      filter: shown,
      paint: { "line-color": palette.areaCasing, "line-width": CASING_WIDTH },
    },
    {
      id: "area-line",
      type: "line",
      ...base,
      filter: shown,
      paint: { "line-color": palette.areaLine, "line-width": AREA_WIDTH, "line-opacity": 0.8 },
    },
    {
      id: "area-selected-casing",
      type: "line",
      ...base,
      filter: selected,
      layout: { "line-join": "round" },
      paint: { "line-color": palette.selectedCasing, "line-width": 6 },
    },
    {
      id: "area-selected",
      type: "line",
      ...base,
      filter: selected,
      layout: { "line-join": "round" },
      paint: { "line-color": palette.selected, "line-width": 2.8 },
    },
  ];
}

/** Outlines of the hovered and of the kept hexagon, drawn from their H3 index. */
function markLayers(palette: Palette): LayerSpecification[] {
  const of = (kind: string): FilterSpecification => ["==", ["get", "kind"], kind];
  const line = (id: string, kind: string, color: string, width: number): LayerSpecification => ({
    id,
    type: "line",
    source: MARKS,
    filter: of(kind),
    layout: { "line-join": "round" },
    paint: { "line-color": color, "line-width": width },
  });
  return [
    line("hover", "hover", palette.hover, 1.8),
    line("selected-casing", "selected", palette.selectedCasing, 6),
    line("selected", "selected", palette.selected, 3),
  ];
}

export function hatchName(palette: Palette): string {
  return `hatch-${palette.name}`;
}

/** Draw the hatch that stands for "no data" wherever there is no hexagon. */
export function hatchImage(palette: Palette, ratio: number): ImageData {
  const size = 8 * ratio;
  const canvas = new OffscreenCanvas(size, size);
  // Drawn without the graphics card, or reading it would wait for all that the card has to do.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    return new ImageData(size, size);
  }
  context.fillStyle = palette.background;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = palette.hatch;
  context.lineWidth = 1.5 * ratio;
  for (const shift of [-size, 0, size]) {
    context.beginPath();
    context.moveTo(shift, size);
    context.lineTo(shift + size, 0);
    context.stroke();
  }
  return context.getImageData(0, 0, size, size);
}
