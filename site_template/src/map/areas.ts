// Areas in the colours of the legend: what a reader sees before coming close enough for hexagons.

import { classOfValue, measureValue } from "../shared/measures.ts";
import type { Area, Figures, Measure, Settings } from "../shared/settings.ts";
import { shownMeasure, type State } from "../shared/state.ts";
import type { Palette } from "./palette.ts";
import type { ClassKey, Look } from "./style.ts";

/** Hexagons take over where an area of middling width is as wide as this on the screen. */
const WIDE_PX = 330;
const TILE_PX = 512;
/** More than these the graphics card would match too slowly; hexagons then come first. */
const MOST = 4000;
/** The opacity of classes that step back, as two hexadecimal digits. */
const FADED = "1f";

const known = new Map<string, number | null>();

/** Return the zoom of the first hexagons, null where no areas of a layer come before them. */
export function areasUntil(settings: Settings, layer: string): number | null {
  let until = known.get(layer);
  if (until === undefined) {
    const areas = settings.layers.find((each) => each.layer === layer)?.areas ?? [];
    const zoom = zoomOf(areas);
    until = areas.length < 2 || areas.length > MOST || zoom <= settings.tiles.minzoom ? null : zoom;
    known.set(layer, until);
  }
  return until;
}

/** Return the colour of each area of the outlined layer, and the zoom of the first hexagons. */
export function areaColors(settings: Settings, state: State, palette: Palette, highlight: ClassKey | null): Look["areas"] {
  const areas = settings.layers.find(({ layer }) => layer === state.outlines)?.areas ?? [];
  const until = areasUntil(settings, state.outlines);
  if (until === null) {
    return null;
  }
  const measure = shownMeasure(state, settings);
  const colors = areas.flatMap(({ id, figures }): [string, string][] => {
    const color = colorOf(settings, measure, figures, palette, highlight);
    return color === null ? [] : [[id, color]];
  });
  return { colors, until };
}

/** Return the colour of an area, null where it has none: no land, or nothing. */
function colorOf(
  settings: Settings,
  measure: Measure,
  figures: Figures,
  palette: Palette,
  highlight: ClassKey | null,
): string | null {
  const value = measureValue(measure, figures);
  if (value === null || value === 0) {
    return null;
  }
  const place = classOfValue(settings.breaks[measure.scale], value);
  const color = palette.ramps[measure.scale][place] ?? null;
  const isFaded = highlight !== null && highlight !== place;
  return color !== null && isFaded ? `${color}${FADED}` : color;
}

function zoomOf(areas: Area[]): number {
  const widths = areas
    .flatMap(({ bounds }) => (bounds === null ? [] : [bounds[2] - bounds[0]]))
    .sort((one, two) => one - two);
  const middle = widths[widths.length >> 1] ?? 0;
  return middle > 0 ? Math.round(10 * Math.log2((WIDE_PX * 360) / (TILE_PX * middle))) / 10 : 0;
}
