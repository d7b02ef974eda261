// Finding places: areas by a part of their name or their code, H3 cells, coordinates.

import { ofTable } from "../shared/columns.ts";
import { getResolution, isValidCell } from "h3-js";
import type { Area, Settings } from "../shared/settings.ts";

/** What a reader may have meant; `hit` of a point is [latitude, longitude]. */
export type Place =
  | { kind: "area"; area: Area }
  | { kind: "cell"; index: string }
  | { kind: "point"; lat: number; lng: number };

export interface Found {
  places: Place[];
  /** How many there are, listed or not. */
  count: number;
}

interface Entry {
  area: Area;
  name: string;
  words: string;
  code: string;
}

/** Return a text without case and accents: what a name is compared by. */
export function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("œ", "oe");
}

export class Gazetteer {
  private entries: Entry[] | null = null;

  constructor(private readonly settings: Settings) {}

  /** Return what a text may mean, the best first, at most `most`. */
  find(text: string, most: number): Found {
    const exact = cellOf(text) ?? pointOf(text);
    if (exact !== null) {
      return { places: [exact], count: 1 };
    }
    const wanted = folded(text.trim());
    if (wanted === "") {
      return { places: [], count: 0 };
    }
    // Names that begin so, words that begin so, names that hold it.
    const ranks: Entry[][] = [[], [], []];
    for (const entry of this.all()) {
      const rank = rankOf(entry, wanted);
      if (rank !== null) {
        ranks[rank]?.push(entry);
      }
    }
    const found = ranks.flat();
    const places = found.slice(0, most).map(({ area }): Place => ({ kind: "area", area }));
    return { places, count: found.length };
  }

  /** Areas with their folded names, the largest first; made when first needed. */
  private all(): Entry[] {
    this.entries ??= this.settings.layers
      .flatMap(({ areas }) => areas)
      .map((area) => {
        const name = folded(area.name);
        return { area, name, words: ` ${name.replace(/[-'’/(]/g, " ")}`, code: folded(area.id) };
      })
      .sort((one, two) => extent(two.area) - extent(one.area));
    return this.entries;
  }
}

function extent({ figures }: Area): number {
  return figures[ofTable("valid_m2")] ?? 0;
}

function rankOf({ name, words, code }: Entry, wanted: string): 0 | 1 | 2 | null {
  if (name.startsWith(wanted) || code === wanted) {
    return 0;
  }
  if (words.includes(` ${wanted}`) || code.startsWith(wanted)) {
    return 1;
  }
  return name.includes(wanted) ? 2 : null;
}

/** Read an H3 index, written as it is or with leading 0x. */
export function cellOf(text: string): Place | null {
  const index = text.trim().toLowerCase().replace(/^0x/, "");
  return /^8[0-9a-f]{14}$/.test(index) && isValidCell(index) && getResolution(index) >= 0
    ? { kind: "cell", index }
    : null;
}

const LETTER = "([NSEWO])";
const NUMBER = "([-+]?\\d{1,3}(?:\\.\\d+)?)\\s*°?";
const BETWEEN = "\\s*[,;/\\s]\\s*";
// "N 46.6 W 31.5"; "46.6 N, 31.5 W" and, without letters, "46.6, -31.5".
const LETTERS_FIRST = new RegExp(`^${LETTER}\\s*${NUMBER}${BETWEEN}${LETTER}\\s*${NUMBER}$`, "i");
const LETTERS_LAST = new RegExp(
  `^${NUMBER}\\s*${LETTER}?${BETWEEN}${NUMBER}\\s*${LETTER}?$`,
  "i",
);
const SEXAGESIMAL =
  /(\d{1,3})\s*°\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*['′’]\s*)?(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:["″”]|''|′′)\s*)?([NSEWO])/gi;

/**
 * Read coordinates, latitude first unless letters state otherwise: "46.5, 6.6", "46,5; 6,6",
 * "46.5 N 6.6 E", "6.6E 46.5N", 46°30'00"N 6°36'E, "geo:46.5,6.6". O is West, as in French.
 */
export function pointOf(text: string): Place | null {
  const written = text
    .trim()
    .replace(/^geo:/i, "")
    .replace(/[−–]/g, "-");
  const commas = written.match(/\d,\d/g)?.length ?? 0;
  const dotted = written.replace(/(\d),(?=\d)/g, "$1.");
  const tries = commas === 2 ? [dotted] : [written, dotted];
  return sexagesimal(written) ?? tries.map(plain).find((found) => found !== null) ?? null;
}

function plain(text: string): Place | null {
  const first = LETTERS_FIRST.exec(text);
  if (first !== null) {
    const [, letter1, value1, letter2, value2] = first;
    return point([Number(value1), letter1 ?? ""], [Number(value2), letter2 ?? ""]);
  }
  const last = LETTERS_LAST.exec(text);
  if (last === null) {
    return null;
  }
  const [, value1, letter1, value2, letter2] = last;
  return point([Number(value1), letter1 ?? ""], [Number(value2), letter2 ?? ""]);
}

function sexagesimal(text: string): Place | null {
  const found = [...text.matchAll(SEXAGESIMAL)].map(([, degrees, minutes, seconds, letter]) => {
    const [m, s] = [minutes, seconds].map((part) => Number((part ?? "0").replace(",", ".")));
    return [Number(degrees) + (m ?? 0) / 60 + (s ?? 0) / 3600, letter ?? ""] as const;
  });
  const [one, two] = found;
  return found.length === 2 && one !== undefined && two !== undefined ? point(one, two) : null;
}

type Part = readonly [number, string];

function point(one: Part, two: Part): Place | null {
  const isEast = ([, letter]: Part) => /^[EWO]$/i.test(letter);
  const isNorth = ([, letter]: Part) => /^[NS]$/i.test(letter);
  const isSwapped = isEast(one) || isNorth(two);
  const [lat, lng] = isSwapped ? [two, one] : [one, two];
  if (isEast(lat) || isNorth(lng)) {
    return null;
  }
  const value = ([size, letter]: Part) => (/^[SWO]$/i.test(letter) ? -size : size);
  const [y, x] = [value(lat), value(lng)];
  return Math.abs(y) <= 90 && Math.abs(x) <= 180 ? { kind: "point", lat: y, lng: x } : null;
}
