// What the build tells the page: the JSON inside #hexseal-config (hexseal/pages/settings.py).

export type View = "share" | "change";
export type Figures = Record<string, number>;

/** 100 x (sum of plus - sum of minus) / land_m2, drawn with the breaks of its view. */
export interface Measure {
  id: string;
  view: View;
  years: number[];
  plus: string[];
  minus: string[];
}

export interface Band {
  resolution: number;
  minzoom: number;
  maxzoom: number;
}

export interface Area {
  layer: string;
  id: string;
  name: string;
  bounds: [number, number, number, number] | null;
  label: [number, number] | null;
  figures: Figures;
}

export interface AreaLayer {
  layer: string;
  title: string;
  areas: Area[];
}

export interface Settings {
  version: string;
  language: string;
  root: string;
  region: { id: string; title: string; simulated: boolean; attribution: string };
  years: number[];
  pairs: [number, number][];
  tiles: {
    pmtiles: string;
    script: string | null;
    bytes: number;
    bounds: [number, number, number, number];
    minzoom: number;
    maxzoom: number;
    bands: Band[];
  };
  measures: Measure[];
  breaks: Record<View, number[]>;
  layers: AreaLayer[];
  texts: Record<string, string>;
}

interface WrittenArea extends Omit<Area, "layer" | "figures"> {
  values: (number | null)[];
}

interface Written extends Omit<Settings, "layers"> {
  columns: string[];
  layers: { layer: string; title: string; rows: WrittenArea[] }[];
}

export function readSettings(): Settings {
  const written = JSON.parse(element("hexseal-config").textContent ?? "") as Written;
  const layers = written.layers.map(({ layer, title, rows }) => ({
    layer,
    title,
    areas: rows.map((row) => ({ ...row, layer, figures: zip(written.columns, row.values) })),
  }));
  return { ...written, layers };
}

/** Where no pixel was counted every figure is 0, valid_m2 too (hasData in measures.ts). */
function zip(names: string[], values: (number | null)[]): Figures {
  return Object.fromEntries(names.map((name, place) => [name, values[place] ?? 0]));
}

/** Return the element that the templates promise. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`the page lacks #${id}`);
  }
  return found as T;
}
