// The map's style: sources and layers as functions of palette, measure and outlines.

import { ofPair, ofTable } from "../shared/columns.ts";
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
import type { AreaKey } from "../shared/state.ts";
import { measureExpression } from "../shared/measures.ts";
import type { Palette } from "./palette.ts";
import type { Measure, Scale, Settings } from "../shared/settings.ts";

export const PROTOCOL = "hexseal";
export const ARCHIVE = "archive";
export const MARKS = "marks";
export const HEXAGONS = "hexagons";
export const AREAS = "areas";
/** The number of "within_noise" in the tiles; above it lie gain and loss (SIGNALS in tiles/hexagons.py). */
const WITHIN_NOISE = 1;
/** The number of "inconclusive": such hexagons carry no figure of change. */
const INCONCLUSIVE = 4;
const OPACITY = 0.92;
const BASEMAP_OPACITY = 0.72;
const NOTHING = "rgba(0, 0, 0, 0)";
/** Less new sealing than six pixels of 10 m is not worth a look. */
const LEAST_CANDIDATE_M2 = 600;
const STEPPED_BACK = 0.12;
/** Outlines grow from a hair at region scale to a clear line in a town. */
const AREA_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 6, 0.6, 11, 1.4];
const CASING_WIDTH: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"], 6, 1.8, 11, 3.4];

/** A class of the legend: its place in the ramp. */
export type ClassKey = number;

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
  selectedArea: AreaKey | null;
  /** Areas of the outlined layer with their colours, shown before hexagons until this zoom. */
  areas: { colors: [string, string][]; until: number } | null;
  /** Areas that stand beside each other, each with an outline of its own colour. */
  places: AreaKey[];
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
    { id: "background", type: "background", paint: { "background-color": palette.background } },
    ...basemapLayers(settings, ground, palette),
    {
      id: HEXAGONS,
      type: "fill",
      source: ARCHIVE,
      "source-layer": HEXAGONS,
      paint: {
        "fill-color": fillOf(look),
        "fill-outline-color": ["case", isFilled(look), palette.cellLine, NOTHING],
        "fill-opacity": opacityOf(settings, look),
      },
    },
    unclearLines(settings, look),
    areaFill(settings, look),
    ...groundLayers(settings, ground, palette),
    ...cellLines(settings, look),
    ...areaLayers(look),
    ...placeLayers(look),
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

/** Return the fill of a hexagon: a colour per class, none where there is nothing to show. */
export function colorOf(look: Look): ExpressionSpecification {
  const { palette, measure, breaks, unsure } = look;
  if (unsure) {
    return ["case", isFilled(look), unsureColor(measure, palette, breaks.change), NOTHING];
  }
  const ramp = palette.ramps[measure.scale];
  const steps = breaks[measure.scale].flatMap((edge, place) => [edge, ramp[place + 1] ?? ""]);
  const stepped = ["step", measureExpression(measure), ramp[0] ?? "", ...steps];
  return ["case", isFilled(look), stepped, NOTHING] as unknown as ExpressionSpecification;
}

/** Return whether a hexagon is filled: it has land, something to show, and change established. */
function isFilled({ measure, unsure }: Look): ExpressionSpecification {
  const hasLand: ExpressionSpecification = [">", ["get", ofTable("land_m2")], 0];
  const hasValue: ExpressionSpecification = ["!=", measureExpression(measure), 0];
  if (measure.signal === null || unsure) {
    return ["all", hasLand, hasValue];
  }
  const signal: ExpressionSpecification = ["coalesce", ["get", measure.signal], 0];
  return ["all", hasLand, [">", signal, WITHIN_NOISE], ["<", signal, INCONCLUSIVE]];
}

/** Outlines of hexagons whose maps differ by what is worth a look, but where none is established. */
function unclearLines(settings: Settings, { measure, palette, unsure }: Look): LayerSpecification {
  const isShown = measure.signal !== null && !unsure;
  const signal: ExpressionSpecification = ["coalesce", ["get", measure.signal ?? ""], 0];
  const filter: FilterSpecification = isShown
    ? [
        "all",
        [">", ["get", ofTable("land_m2")], 0],
        ["any", ["<=", signal, WITHIN_NOISE], [">=", signal, INCONCLUSIVE]],
        [">=", ["coalesce", ["get", ofPair("new_sealed_m2", measure.years.join("_"))], 0], LEAST_CANDIDATE_M2],
      ]
    : false;
  return {
    id: "hexagon-unclear",
    type: "line",
    source: ARCHIVE,
    "source-layer": HEXAGONS,
    // Larger hexagons nearly all hold some: their outlines would show nothing.
    minzoom: settings.tiles.bands.at(-1)?.minzoom ?? 0,
    filter,
    layout: { visibility: isShown ? "visible" : "none" },
    paint: { "line-color": palette.unsureLine, "line-width": 0.8, "line-opacity": 0.7 },
  };
}

/** Areas in their colours, until the reader is close enough for hexagons. */
function areaFill(settings: Settings, { areas, outlines, ground, palette }: Look): LayerSpecification {
  const archive = groundArchive(settings, ground);
  const colors = areas?.colors ?? [];
  const color = colors.length === 0 ? NOTHING : ["match", ["get", "id"], ...colors.flat(), NOTHING];
  const until = areas?.until ?? 0;
  const isHidden = areas === null || (archive !== undefined && archive.minzoom < until);
  return {
    id: "area-fill",
    type: "fill",
    source: ARCHIVE,
    "source-layer": AREAS,
    filter: ["==", ["get", "layer"], outlines],
    layout: { visibility: isHidden ? "none" : "visible" },
    paint: {
      "fill-color": color as ExpressionSpecification,
      // Of each area, as of each hexagon: so both are drawn by one program, and none is waited for
      // when the reader comes closer.
      "fill-outline-color": ["case", ["has", "id"], palette.cellLine, NOTHING],
      "fill-opacity": ["step", ["zoom"], OPACITY, until, 0],
    },
  };
}

/** Hexagons follow areas, and make room where single pixels or an image are shown. */
function opacityOf(settings: Settings, look: Look): ExpressionSpecification | number {
  const most = look.ground.basemap ? BASEMAP_OPACITY : OPACITY;
  const archive = groundArchive(settings, look.ground);
  const from = look.areas?.until ?? 0;
  const steps = [...(from > 0 ? [from, most] : []), ...(archive === undefined ? [] : [archive.minzoom, 0])];
  const first = from > 0 ? 0 : most;
  return steps.length === 0 ? first : (["step", ["zoom"], first, ...sorted(steps)] as unknown as ExpressionSpecification);
}

/** Pixels that begin before the hexagons do take their place altogether. */
function sorted(steps: number[]): number[] {
  const [from = 0, , until] = steps;
  return until !== undefined && until <= from ? [from, 0] : steps;
}

/** Return whether the legend counts a hexagon to a class. */
function isOfClass(look: Look, key: ClassKey): ExpressionSpecification {
  const edges = look.breaks[look.measure.scale];
  const steps = edges.flatMap((edge, n) => [edge, n + 1]);
  const place = ["step", measureExpression(look.measure), 0, ...steps] as never;
  return ["all", isFilled(look), ["==", place, key]];
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

function areaLayers({ palette, outlines, selectedArea }: Look): LayerSpecification[] {
  const shown: FilterSpecification = ["==", ["get", "layer"], outlines];
  const selected: FilterSpecification = [
    "all",
    ["==", ["get", "layer"], selectedArea?.layer ?? ""],
    ["==", ["get", "id"], selectedArea?.id ?? ""],
  ];
  const base = { source: ARCHIVE, "source-layer": AREAS } as const;
  return [
    // Without colour: only so that the areas at a point can be queried.
    { id: AREAS, type: "fill", ...base, paint: { "fill-opacity": 0 } },
    {
      id: "area-veil",
      type: "fill",
      ...base,
      filter: ["all", ["==", ["get", "layer"], selectedArea?.layer ?? ""], ["!=", ["get", "id"], selectedArea?.id ?? ""]],
      paint: { "fill-color": palette.veil, "fill-antialias": false },
    },
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

/** Areas beside each other, each outlined in the colour of its column. */
function placeLayers({ places, palette }: Look): LayerSpecification[] {
  return palette.places.map((color, place) => {
    const { layer, id } = places[place] ?? { layer: "", id: "" };
    return {
      id: `place-${place}`,
      type: "line",
      source: ARCHIVE,
      "source-layer": AREAS,
      filter: ["all", ["==", ["get", "layer"], layer], ["==", ["get", "id"], id]],
      layout: { "line-join": "round" },
      paint: { "line-color": color, "line-width": 3.2 },
    };
  });
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
