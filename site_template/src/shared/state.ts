// What the reader chose, kept in the address so that a link shows the same.

import { isCell } from "../map/cells.ts";
import { linkable, type OwnItem, readItems, sameItems, writeItems } from "../custom/items.ts";
import type { Area, Basis, Measure, Settings, View } from "./settings.ts";

export interface Camera {
  zoom: number;
  lat: number;
  lng: number;
  /** Degrees by which the map is turned; 0: north is up. */
  bearing?: number;
}

export type Selection = { kind: "cell"; index: string } | { kind: "area"; layer: string; id: string };

export interface State {
  view: View;
  year: number;
  pair: string;
  basis: Basis;
  /** What is shown where the map is close enough for single pixels. */
  ground: Ground;
  /** Whether the places that changed are drawn. */
  patches: boolean;
  /** Whether the adjusted net is shown with fewer colours the less certain it is. */
  unsure: boolean;
  basemap: boolean;
  /** The year on the left of the divider, or 0: one map. */
  compare: number;
  /** Where the divider stands, as a part of the map's width. */
  divider: number;
  outlines: string;
  camera: Camera | null;
  selection: Selection | null;
  /** Areas that stand beside each other, at most MOST_PLACES. */
  places: AreaKey[];
  /** The reader's own reduction of the pace, percent, or null: that of the region file. */
  reduction: number | null;
  /** Areas that the reader drew, brought or picked for comparison, and which of them is shown. */
  own: OwnItem[];
  shown: number;
}

export interface AreaKey {
  layer: string;
  id: string;
}

export const MOST_PLACES = 4;
/** Outlines of more areas than these would hide what lies between. */
const MOST_OUTLINED = 2000;
export type Ground = "hexagons" | "pixels" | "images";
export const GROUNDS: readonly Ground[] = ["hexagons", "pixels", "images"];
export const BASES: readonly Basis[] = ["adjusted", "confirmed", "raw"];

// No layer of areas can be called so: a layer's name holds no dot.
const NO_OUTLINES = ".none";

type Listener = (state: State, before: State) => void;

export class Store {
  private readonly listeners: Listener[] = [];

  constructor(public state: State) {}

  set(change: Partial<State>): void {
    const before = this.state;
    this.state = { ...before, ...change };
    this.listeners.forEach((listener) => listener(this.state, before));
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }
}

export function startState(settings: Settings): State {
  return {
    view: "share",
    year: settings.years.at(-1) ?? 0,
    pair: settings.shownPair,
    basis: "adjusted",
    ground: "hexagons",
    patches: true,
    unsure: false,
    basemap: true,
    compare: 0,
    divider: 0.5,
    outlines: finestLayer(settings),
    camera: null,
    selection: null,
    places: [],
    reduction: null,
    own: [],
    shown: 0,
  };
}

/** Return the layer of the most areas that can still be distinguished on a map of the region. */
function finestLayer({ layers }: Settings): string {
  const sorted = [...layers].sort((one, two) => two.areas.length - one.areas.length);
  return (sorted.find(({ areas }) => areas.length <= MOST_OUTLINED) ?? sorted.at(-1))?.layer ?? "";
}

/** Return the measure that a state shows. */
export function shownMeasure(state: State, settings: Settings): Measure {
  const id = state.view === "share" ? `share-${state.year}` : `change-${state.pair}-${state.basis}`;
  const found = settings.measures.find((measure) => measure.id === id);
  if (found === undefined) {
    throw new Error(`no measure ${id}`);
  }
  return found;
}

export function findArea(settings: Settings, layer: string, id: string): Area | undefined {
  return settings.layers.find((l) => l.layer === layer)?.areas.find((area) => area.id === id);
}

export function isSame(one: Selection | null, other: Selection | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

// What a reader chose stays behind as a step; where the map was moved to does not.
const STEPS = ["view", "year", "pair", "basis", "ground", "compare", "outlines"] as const;

/** Return whether a reader who goes back should find a state again, not only the last of it. */
export function isStep(state: State, before: Partial<State>): boolean {
  const isKnown = before.view !== undefined;
  return (
    !sameItems(linkable(state.own), before.own ?? []) ||
    (isKnown && !isSame(state.selection, before.selection ?? null)) ||
    (isKnown && JSON.stringify(state.places) !== JSON.stringify(before.places ?? [])) ||
    STEPS.some((key) => before[key] !== undefined && before[key] !== state[key])
  );
}

/** Write a state as the part of an address after "#". */
export function toHash(state: State): string {
  const { camera, selection } = state;
  const parts = new URLSearchParams({ view: state.view });
  parts.set("year", String(state.year));
  if (state.pair !== "") {
    // The panel shows a pair whatever the map shows.
    parts.set("pair", state.pair);
    parts.set("basis", state.basis);
  }
  for (const [name, value] of Object.entries(layersToHash(state))) {
    parts.set(name, value);
  }
  parts.set("outlines", state.outlines || NO_OUTLINES);
  if (camera !== null) {
    parts.set("map", writeCamera(camera));
  }
  if (selection?.kind === "cell") {
    parts.set("cell", selection.index);
  } else if (selection?.kind === "area") {
    parts.set("area", `${selection.layer}/${selection.id}`);
  }
  if (state.places.length > 0) {
    parts.set("places", state.places.map(({ layer, id }) => `${layer}/${encodeURIComponent(id)}`).join(","));
  }
  if (state.reduction !== null) {
    parts.set("target", String(state.reduction));
  }
  writeItems(parts, state.own, state.shown);
  return parts.toString().replaceAll("%2F", "/");
}

/** Parse the state in an address; what is missing or wrong is left out. */
export function fromHash(hash: string, settings: Settings): Partial<State> {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const read: Partial<State> = {};
  const view = parts.get("view");
  if (view === "share" || (view === "change" && settings.pairs.length > 0)) {
    read.view = view;
  }
  const outlines = parts.get("outlines");
  if (outlines === NO_OUTLINES) {
    read.outlines = "";
  } else if (outlines !== null && settings.layers.some(({ layer }) => layer === outlines)) {
    read.outlines = outlines;
  }
  const year = Number(parts.get("year"));
  if (settings.years.includes(year)) {
    read.year = year;
  }
  const pair = parts.get("pair");
  if (pair !== null && settings.pairs.some((known) => known.join("-") === pair)) {
    read.pair = pair;
  }
  const basis = BASES.find((known) => known === parts.get("basis"));
  if (basis !== undefined) {
    read.basis = basis;
  }
  Object.assign(read, layersFromHash(parts, settings));
  const camera = readCamera(parts.get("map"));
  if (camera !== null) {
    read.camera = camera;
  }
  const selection = readSelection(parts, settings);
  if (selection !== null) {
    read.selection = selection;
  }
  read.places = readPlaces(parts.get("places"), settings);
  const reduction = parts.get("target");
  read.reduction = reduction !== null && /^\d+$/.test(reduction) ? Math.min(100, Number(reduction)) : null;
  if (parts.has("own")) {
    Object.assign(read, readItems(parts, settings));
  }
  return read;
}

/** List what differs from a plain map of hexagons. */
function layersToHash(state: State): Record<string, string> {
  return {
    ...(state.ground === "hexagons" ? {} : { ground: state.ground }),
    ...(state.patches ? {} : { patches: "0" }),
    ...(state.unsure ? { unsure: "1" } : {}),
    ...(state.basemap ? {} : { basemap: "0" }),
    ...(state.compare === 0
      ? {}
      : { compare: String(state.compare), divider: state.divider.toFixed(2) }),
  };
}

/** What an address leaves out is as in a plain map, so that "back" takes layers away again. */
function layersFromHash(parts: URLSearchParams, settings: Settings): Partial<State> {
  const ground = GROUNDS.find((known) => known === parts.get("ground"));
  const year = Number(parts.get("compare"));
  const divider = Number(parts.get("divider") ?? NaN);
  return {
    ground: ground ?? "hexagons",
    patches: parts.get("patches") !== "0",
    unsure: parts.get("unsure") === "1",
    basemap: parts.get("basemap") !== "0",
    compare: settings.years.includes(year) ? year : 0,
    divider: divider >= 0 && divider <= 1 ? divider : 0.5,
  };
}

function readPlaces(text: string | null, settings: Settings): AreaKey[] {
  const keys = (text ?? "").split(",").flatMap((part) => {
    const cut = part.indexOf("/");
    const [layer, id] = [part.slice(0, cut), decoded(part.slice(cut + 1))];
    return cut > 0 && findArea(settings, layer, id) !== undefined ? [{ layer, id }] : [];
  });
  return keys.slice(0, MOST_PLACES);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Return what an address names that this site does not have, as the address has it. */
export function unknownIn(hash: string, settings: Settings): string[] {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const years = settings.years.map(String);
  const pairs = settings.pairs.map((pair) => pair.join("-"));
  const area = parts.get("area");
  const checks: [string, boolean][] = [
    ["year", parts.has("year") && !years.includes(parts.get("year") ?? "")],
    ["pair", parts.has("pair") && pairs.length > 0 && !pairs.includes(parts.get("pair") ?? "")],
    ["area", area !== null && readSelection(parts, settings) === null],
    ["cell", parts.has("cell") && !isCell(parts.get("cell") ?? "")],
  ];
  return checks.flatMap(([name, isUnknown]) => (isUnknown ? [parts.get(name) ?? ""] : []));
}

function writeCamera({ zoom, lat, lng, bearing = 0 }: Camera): string {
  const turned = Math.round(bearing);
  const place = `${zoom.toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}`;
  return turned === 0 ? place : `${place}/${turned}`;
}

function readCamera(text: string | null): Camera | null {
  const numbers = (text ?? "").split("/").map(Number);
  const [zoom, lat, lng, bearing = 0] = numbers;
  const given = text !== null && (numbers.length === 3 || numbers.length === 4) && numbers.every(Number.isFinite);
  if (!given || zoom === undefined || lat === undefined || lng === undefined) {
    return null;
  }
  return Math.abs(lat) < 90 && zoom >= 0 && zoom < 25 ? { zoom, lat, lng, bearing } : null;
}

function readSelection(parts: URLSearchParams, settings: Settings): Selection | null {
  const cell = parts.get("cell");
  if (cell !== null && isCell(cell)) {
    return { kind: "cell", index: cell };
  }
  const area = parts.get("area");
  const cut = area?.indexOf("/") ?? -1;
  if (area !== null && cut > 0) {
    const [layer, id] = [area.slice(0, cut), area.slice(cut + 1)];
    return findArea(settings, layer, id) ? { kind: "area", layer, id } : null;
  }
  return null;
}
