// The reader's own areas on the map: a source and layers of their own above everything else.

import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import type { Theme } from "../shared/theme.ts";
import type { Polygon } from "./shapes.ts";

const OWN = "own-areas";
const LAYERS = { casing: "own-casing", line: "own-line" };
const COLORS = {
  light: { line: "#5b21b6", casing: "#ffffff" },
  dark: { line: "#d9c7ff", casing: "#1a1330" },
};

export interface DrawnArea {
  polygons: Polygon[];
  isShown: boolean;
}

export class OwnLayer {
  private drawn: DrawnArea[] = [];
  /** Areas of a file of many, beneath the reader's own few. */
  private file: DrawnArea[] = [];

  constructor(
    private readonly map: MapLibre,
    private readonly theme: Theme,
  ) {
    if (map.isStyleLoaded()) {
      this.add();
    } else {
      map.once("load", () => this.add());
    }
    theme.onChange(() => this.color());
  }

  show(drawn: DrawnArea[]): void {
    this.drawn = drawn;
    this.fill();
  }

  showFile(drawn: DrawnArea[]): void {
    this.file = drawn;
    this.fill();
  }

  private fill(): void {
    this.map.getSource<GeoJSONSource>(OWN)?.setData(collection([...this.file, ...this.drawn]));
  }

  private add(): void {
    const { map } = this;
    map.addSource(OWN, { type: "geojson", data: collection([...this.file, ...this.drawn]), tolerance: 0 });
    const shown = ["case", ["get", "shown"], 1, 0.6] as never;
    // No fill: it would change the colours that the legend explains.
    map.addLayer({
      id: LAYERS.casing,
      type: "line",
      source: OWN,
      layout: { "line-join": "round" },
      paint: { "line-width": 5.5, "line-opacity": shown },
    });
    map.addLayer({
      id: LAYERS.line,
      type: "line",
      source: OWN,
      layout: { "line-join": "round" },
      paint: { "line-width": ["case", ["get", "shown"], 2.6, 1.6] as never, "line-opacity": shown },
    });
    this.color();
  }

  private color(): void {
    const { line, casing } = COLORS[this.theme.name];
    if (this.map.getLayer(LAYERS.line) !== undefined) {
      this.map.setPaintProperty(LAYERS.line, "line-color", line);
      this.map.setPaintProperty(LAYERS.casing, "line-color", casing);
    }
  }
}

function collection(drawn: DrawnArea[]) {
  return {
    type: "FeatureCollection" as const,
    features: drawn.map(({ polygons, isShown }) => ({
      type: "Feature" as const,
      properties: { shown: isShown },
      geometry: { type: "MultiPolygon" as const, coordinates: closedPolygons(polygons) },
    })),
  };
}

/** Return the coordinates of a GeoJSON MultiPolygon: each ring ends where it begins. */
export function closedPolygons(polygons: Polygon[]): number[][][][] {
  return polygons.map((rings) => rings.map((ring) => [...ring, ring[0]!]));
}
