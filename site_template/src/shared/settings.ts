// The build's settings of the page: the JSON inside #hexseal-config (hexseal/pages/settings.py).

import type { PairNoise } from "../custom/noise.ts";

export type View = "share" | "change";
/** What shows a change: the two maps alone, confirmed patches, or the net adjusted for errors. */
export type Basis = "adjusted" | "confirmed" | "raw";
/** A row of colours with its breaks. */
export type Scale = "share" | "change" | "confirmed";
export type Figures = Record<string, number>;
/** What supports a change; the build's order is in `gradeNames`. */
export type Grade = "reference" | "consistent" | "inconclusive" | "incomparable";

/** 100 x (sum of plus - sum of minus) / land_m2, drawn with the breaks of its scale. */
export interface Measure {
  id: string;
  view: View;
  /** null: a share. */
  basis: Basis | null;
  scale: Scale;
  years: number[];
  plus: string[];
  minus: string[];
  /** The column with whether a change stands out from the noise. */
  signal: string | null;
  /** The column with whether the grade is inconclusive, where such units lack the measure. */
  open: string | null;
}

/** A row of a table; `{}` in a column's name stands for the year or the pair of years. */
export interface Indicator {
  label: string;
  columns: string[];
  digits: number | null;
  scale: number;
  signed: boolean;
}

/** A reason for care that belongs to a pair of years; no change is shown without a severe one. */
export interface PairNote {
  pair: [number, number];
  severe: boolean;
  brief: string;
  text: string;
}

export interface Band {
  resolution: number;
  minzoom: number;
  maxzoom: number;
}

/** The archive of a further layer (hexseal/tiles). */
export interface LayerArchive {
  name: string;
  format: "mvt" | "png" | "jpg" | "webp";
  pmtiles: string;
  script: string | null;
  bytes: number;
  bounds: [number, number, number, number];
  minzoom: number;
  maxzoom: number;
}

export interface MapLayers {
  archives: LayerArchive[];
  /** What pixel code i + 2 means: bits of the years it is sealed in, of the pairs it is confirmed in. */
  codes: [number, number][];
  imageYears: number[];
  imageAttribution: string;
  basemap: { attribution: string; layers: string[] } | null;
}

export interface Area {
  layer: string;
  id: string;
  name: string;
  bounds: [number, number, number, number] | null;
  label: [number, number] | null;
  /** Layer and id of the area of a coarser layer that holds this one. */
  parent: [string, string] | null;
  figures: Figures;
}

export interface AreaLayer {
  layer: string;
  title: string;
  areas: Area[];
}

/** The finest hexagons as Parquet files at `folder/parent=HEX/file`, seen from the site. */
export interface PartitionTree {
  folder: string;
  file: string;
  /** The folder of the scripts PARENT.js that carry the same files, for pages without a server. */
  scripts: string | null;
  /** H3 resolution of the parents. */
  resolution: number;
  /** Hexadecimal index of the parent, rows, bytes. */
  parents: [string, number, number][];
}

/** How a pair is graded: `reasons` in a few words, `command` draws the sample that settles it. */
export interface PairGrade {
  grade: "reference" | "consistent" | "inconclusive";
  interval: "noise" | "confidence";
  assumption: string;
  reasons: string[];
  command: string;
}

export interface Settings {
  version: string;
  language: string;
  /** The languages of the site; pages of the first stand in its folder. */
  languages: string[];
  root: string;
  /** Version, day of it and address of the site as the region file has them, "" where it has none. */
  dataset: { version: string; date: string; address: string; publisher: string };
  region: { id: string; title: string; simulated: boolean; attribution: string };
  years: number[];
  pairs: [number, number][];
  /** The pair that the page shows first: that of the region's headline; "" without pairs. */
  shownPair: string;
  tiles: {
    pmtiles: string;
    script: string | null;
    bytes: number;
    bounds: [number, number, number, number];
    minzoom: number;
    maxzoom: number;
    bands: Band[];
  };
  mapLayers: MapLayers;
  measures: Measure[];
  breaks: Record<Scale, number[]>;
  /** Areas that a reader brings: the columns of `hexseal areas`, makers of the maps by year, and the
   *  script that reads files, seen from the site. */
  own: { columns: string[]; sources: Record<string, string>; readers: string };
  /** The tables of all areas, seen from the site; "" for one that is not there. */
  tables: { csv: string; xlsx: string };
  /** What the number of a signal in the tiles means. */
  signals: string[];
  indicators: { year: Indicator[]; pair: Indicator[] };
  /** By pair of years, as in columns: the grade of the whole region, and the reasons against it. */
  grades: Record<string, { grade: Grade; note: string; reasons: string[] }>;
  gradeNames: Grade[];
  /** Whether the maps are densities, the sealed per cent of each pixel; absent for classes. */
  density?: boolean;
  /** Years whose map a model made. */
  modelYears: number[];
  /** Scripts of the places that changed: their folder, "" for none; into how many a layer is split. */
  places: { folder: string; scripts: Record<string, number> };
  /** Names of towns and other places for the map, the more important first: degrees and name. */
  names: [number, number, string][];
  /** A pace that every place has to reach: that of `base` less `reduction` percent, until `year`. */
  target: { base: [number, number]; year: number; reduction: number } | null;
  /** The figures of the whole region. */
  whole: Figures;
  notes: PairNote[];
  /** Pairs whose last year no later map has confirmed. */
  provisional: [number, number][];
  /** What supports the figures of each pair, the name of its interval and what that rests on. */
  judged: Record<string, PairGrade>;
  /** The share of false patches that confirmed change may hold. */
  level: number;
  /** Scripts of former classes: their folder ("" where there are none), the hexagons they cover. */
  origins: {
    folder: string;
    coarsest: number;
    resolution: number;
    classes: Record<string, string>;
    /** Names of classes as the tiles of patches have them, and as the reader has them. */
    names: Record<string, string>;
  };
  layers: AreaLayer[];
  partitions: PartitionTree;
  /** By pair of years, as in columns. */
  noise: Record<string, PairNoise>;
  texts: Record<string, string>;
}

interface WrittenArea extends Omit<Area, "layer" | "figures"> {
  values: (number | null)[];
}

interface Written extends Omit<Settings, "layers" | "whole"> {
  columns: string[];
  whole: (number | null)[];
  layers: { layer: string; title: string; rows: WrittenArea[] }[];
}

export function readSettings(): Settings {
  const written = JSON.parse(element("hexseal-config").textContent ?? "") as Written;
  const layers = written.layers.map(({ layer, title, rows }) => ({
    layer,
    title,
    areas: rows.map((row) => ({ ...row, layer, figures: zip(written.columns, row.values) })),
  }));
  return { ...written, layers, whole: zip(written.columns, written.whole) };
}

/** What is not known has no entry; where no pixel was counted none has (hasData in measures.ts). */
function zip(names: string[], values: (number | null)[]): Figures {
  const known = names.flatMap((name, place) => {
    const value = values[place] ?? null;
    return value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(known);
}

/** Return the element that the templates promise. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`the page lacks #${id}`);
  }
  return found as T;
}
