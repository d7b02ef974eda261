// The answers as files: made in the page, so that they work without any server.

import { asText, quoted } from "../shared/csv.ts";
import type { Figures, Settings } from "../shared/settings.ts";
import { closedPolygons } from "./layer.ts";
import { type AreaRow, valuesOf } from "./rows.ts";
import type { Polygon } from "./shapes.ts";

/** An answered area; `polygons` are null for areas of the site, whose outline the page lacks. */
export interface AnsweredArea {
  name: string;
  /** "hexagons" where borders were weighted by area, "pixels" where every pixel was counted. */
  method: "hexagons" | "pixels";
  size: number | null;
  mapped: number | null;
  figures: Figures;
  polygons: Polygon[] | null;
}

export function csvOf(areas: AnsweredArea[], settings: Settings): string {
  const names = columnsOf(areas);
  const head = ["name", "method", "polygon_m2", "covered_share", ...names];
  const rows = areas.map((area) => {
    const facts = [area.name, area.method, area.size, area.mapped];
    return [...facts, ...names.map((name) => valueOf(area.figures, name, settings))];
  });
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function geoJsonOf(areas: AnsweredArea[], settings: Settings): string {
  const features = areas.map((area) => ({
    type: "Feature",
    properties: {
      name: area.name,
      method: area.method,
      polygon_m2: area.size,
      covered_share: area.mapped,
      ...Object.fromEntries(
        columnsOf(areas).map((name) => [name, valueOf(area.figures, name, settings)]),
      ),
    },
    geometry: area.polygons && {
      type: "MultiPolygon",
      coordinates: closedPolygons(area.polygons),
    },
  }));
  return `${JSON.stringify({ type: "FeatureCollection", features }, null, 1)}\n`;
}

/** Return the rows of a file of areas as CSV, with the columns of `hexseal areas`. */
export function rowsCsv(rows: AreaRow[], settings: Settings): string {
  const lines = rows.map((row) => valuesOf(row, settings).map((value) => cell(value)).join(","));
  // The mark makes spreadsheets read UTF-8.
  return `\ufeff${[settings.own.columns.join(","), ...lines].join("\r\n")}\r\n`;
}

/** Return the same rows with their outlines. */
export function rowsGeoJson(rows: AreaRow[], settings: Settings): string {
  const features = rows.map((row) => {
    const values = valuesOf(row, settings);
    return {
      type: "Feature",
      id: row.id,
      properties: Object.fromEntries(settings.own.columns.map((name, place) => [name, values[place]])),
      geometry: { type: "MultiPolygon", coordinates: closedPolygons(row.polygons) },
    };
  });
  return `${JSON.stringify({ type: "FeatureCollection", features })}\n`;
}

/** Let the browser save a text as a file. */
export function save(name: string, text: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function columnsOf(areas: AnsweredArea[]): string[] {
  return [...new Set(areas.flatMap(({ figures }) => Object.keys(figures)))];
}

function valueOf(figures: Figures, name: string, { signals }: Settings): string | number | null {
  const value = figures[name];
  if (value === undefined) {
    return null;
  }
  // Square metres to the square centimetre: more digits are rounding.
  return name.startsWith("signal_") ? (signals[value] ?? null) : Number(value.toFixed(4));
}

function cell(value: string | number | boolean | null): string {
  return quoted(typeof value === "string" ? asText(value) : String(value ?? ""));
}
