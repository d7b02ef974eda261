// The map's style: sources and layers as functions of palette, measure and outlines.

import type {
  ExpressionSpecification,
  FilterSpecification,
  LayerSpecification,
  StyleSpecification,
} from "maplibre-gl";
import { measureExpression } from "./measures.ts";
import type { Palette } from "./palette.ts";
import type { Measure, Scale, Settings } from "./settings.ts";

export const PROTOCOL = "hexseal";
export const ARCHIVE = "archive";
export const MARKS = "marks";
export const HEXAGONS = "hexagons";
export const AREAS = "areas";
/** The number of "within_noise" in the tiles (SIGNALS in hexseal/tiles.py). */
const WITHIN_NOISE = 1;
/** Outlines grow from a hair at region scale to a clear line in a town. */
const AREA_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 6, 0.6, 11, 1.4];
const CASING_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 6, 1.8, 11, 3.4];

export interface Look {
  palette: Palette;
  measure: Measure;
  breaks: Record<Scale, number[]>;
  /** The layer of areas whose outlines are drawn, or "". */
  outlines: string;
  selectedArea: { layer: string; id: string } | null;
}

export function mapStyle(settings: Settings, look: Look): StyleSpecification {
  const { bounds, minzoom, maxzoom } = settings.tiles;
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
      [MARKS]: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: mapLayers(look),
  };
}

export function mapLayers(look: Look): LayerSpecification[] {
  const { palette } = look;
  return [
    {
      id: "background",
      type: "background",
      paint: { "background-pattern": hatchName(palette) },
    },
    {
      id: HEXAGONS,
      type: "fill",
      source: ARCHIVE,
      "source-layer": HEXAGONS,
      paint: { "fill-color": colorOf(look), "fill-outline-color": palette.cellLine },
    },
    ...areaLayers(look),
    ...markLayers(palette),
  ];
}

/** Return the fill of a hexagon: a colour per class, one each for no land, none, within noise. */
export function colorOf({ palette, measure, breaks }: Look): ExpressionSpecification {
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
  return ["case", ["<=", ["get", "land_m2"], 0], palette.water, colored];
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
  const context = canvas.getContext("2d");
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
