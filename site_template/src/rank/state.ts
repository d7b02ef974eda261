// What the reader of the rank page chose, kept in the address; what is wrong there is left out.

import { SIGNALS } from "../shared/columns.ts";
import type { RankData } from "./data.ts";

export interface RankState {
  layer: string;
  year: number;
  pair: string;
  basis: "adjusted" | "raw";
  signal: string;
  /** "layer/id" of the area that the others lie in, or nothing. */
  parent: string;
  q: string;
  /** A column, after "-" with the largest first. */
  sort: string;
  page: number;
  x: string;
  y: string;
}

export function startRank({ settings }: RankData): RankState {
  return {
    layer: settings.layers.at(-1)?.layer ?? "",
    year: settings.years.at(-1) ?? 0,
    pair: settings.shownPair,
    basis: "adjusted",
    signal: "",
    parent: "",
    q: "",
    sort: "-share",
    page: 1,
    x: "share",
    y: settings.pairs.length > 0 ? "growth" : "land",
  };
}

/** Write what differs from the start as the part of an address after "#". */
export function rankToHash(state: RankState, start: RankState): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value !== start[key as keyof RankState]) {
      parts.set(key, String(value));
    }
  }
  return parts.toString().replaceAll("%2F", "/");
}

export function rankFromHash(hash: string, data: RankData): RankState {
  const { settings } = data;
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const state = startRank(data);
  const read = (key: string, isKnown: (value: string) => boolean, otherwise: string) => {
    const value = parts.get(key);
    return value !== null && isKnown(value) ? value : otherwise;
  };
  const isId = (value: string) => /^-?[a-z_]{1,20}$/.test(value);
  const page = Number(parts.get("page"));
  return {
    layer: read("layer", (value) => data.layers.has(value), state.layer),
    year: settings.years.find((year) => String(year) === parts.get("year")) ?? state.year,
    pair: read("pair", (value) => settings.pairs.some((pair) => pair.join("-") === value), state.pair),
    basis: parts.get("basis") === "raw" ? "raw" : "adjusted",
    signal: read("signal", (value) => value !== "inconclusive" && SIGNALS.some((signal) => signal === value), ""),
    parent: read("parent", (value) => data.find(parentKey(value)) !== undefined, ""),
    q: (parts.get("q") ?? "").slice(0, 200),
    sort: read("sort", isId, state.sort),
    page: Number.isInteger(page) && page > 0 ? page : 1,
    x: read("x", isId, state.x),
    y: read("y", isId, state.y),
  };
}

export function parentKey(written: string): [string, string] {
  const cut = written.indexOf("/");
  return [written.slice(0, Math.max(0, cut)), written.slice(cut + 1)];
}
