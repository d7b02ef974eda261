// The areas that a reader brings or picks for comparison, as state and as part of an address.

import type { Settings } from "../shared/settings.ts";
import { decodeShape, encodeShape, LONGEST, rounded } from "./encoding.ts";
import type { Shape } from "./shapes.ts";

/** A shape of the reader's own, or an area of the site. */
export type OwnItem =
  | { kind: "shape"; name: string; shape: Shape }
  | { kind: "area"; layer: string; id: string };

/** More than this do not fit side by side. */
export const MOST_ITEMS = 4;
export const LONGEST_NAME = 80;
const AREA = "a/";

/** Return a shape as it goes into an address and comes back, or as it is where it would not fit. */
export function itemOf(name: string, shape: Shape): OwnItem {
  const kept = rounded(shape);
  const fits = encodeShape(kept).length <= LONGEST;
  return { kind: "shape", name: shortened(name), shape: fits ? kept : shape };
}

export function shortened(name: string): string {
  return [...name.replace(/\s+/g, " ").trim()].slice(0, LONGEST_NAME).join("");
}

/** Return whether an item is left out of the address because of its length. */
export function isTooLong(item: OwnItem): boolean {
  return item.kind === "shape" && encodeShape(item.shape).length > LONGEST;
}

/** Return the items that an address holds. */
export function linkable(items: OwnItem[]): OwnItem[] {
  return items.filter((item) => !isTooLong(item));
}

/** Return what an address names, and the items that no address could hold. */
export function withUnlinked(linked: OwnItem[], items: OwnItem[]): OwnItem[] {
  return [...linked, ...items.filter(isTooLong)].slice(0, MOST_ITEMS);
}

export function encodeItem(item: OwnItem): string {
  return item.kind === "area"
    ? `${AREA}${item.layer}/${item.id}`
    : `${encodeShape(item.shape)}/${item.name}`;
}

/** Read what `encodeItem` wrote; null for anything else. */
export function decodeItem(text: string, settings: Settings): OwnItem | null {
  if (text.startsWith(AREA)) {
    const [layer = "", ...id] = text.slice(AREA.length).split("/");
    const key = { layer, id: id.join("/") };
    const known = settings.layers.find((each) => each.layer === layer)?.areas ?? [];
    return known.some((area) => area.id === key.id) ? { kind: "area", ...key } : null;
  }
  const cut = text.indexOf("/");
  const shape = decodeShape(cut < 0 ? text : text.slice(0, cut));
  return shape && { kind: "shape", name: cut < 0 ? "" : shortened(text.slice(cut + 1)), shape };
}

/** Write items into the parts of an address. */
export function writeItems(parts: URLSearchParams, items: OwnItem[], shown: number): void {
  linkable(items).forEach((item) => parts.append("own", encodeItem(item)));
  if (items.length > 0 && shown > 0) {
    parts.set("shown", String(shown + 1));
  }
}

export function readItems(
  parts: URLSearchParams,
  settings: Settings,
): { own: OwnItem[]; shown: number } {
  const own = parts
    .getAll("own")
    .slice(0, MOST_ITEMS)
    .flatMap((text) => decodeItem(text, settings) ?? []);
  const shown = Number(parts.get("shown") ?? 1) - 1;
  return { own, shown: Number.isInteger(shown) && shown >= 0 && shown < own.length ? shown : 0 };
}

export function sameItems(one: OwnItem[], other: OwnItem[]): boolean {
  return one.length === other.length && one.every((item, place) => isSameItem(item, other[place]!));
}

function isSameItem(one: OwnItem, other: OwnItem): boolean {
  return one === other || encodeItem(one) === encodeItem(other);
}
