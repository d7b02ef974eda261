// KML: the polygons of all placemarks.

import { kml } from "@tmcw/togeojson";
import { ShapeError } from "./errors.ts";
import type { FileShapes } from "./features.ts";
import { readGeoJson } from "./geojson.ts";
import { shortened } from "./items.ts";

const NO_ELEMENT = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<!DOCTYPE[^>]*>/g;
const PAIRED = [["<!--", "-->"], ["<![CDATA[", "]]>"], ["<?", "?>"], ["<!DOCTYPE", ">"]] as const;
const ELEMENT = /<(\/?)([^\s<>/]+)[^<>]*?(\/?)>/g;
const BARE = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)/;

export function readKml(text: string, stem: string): FileShapes {
  refuseBroken(text);
  const page = new DOMParser().parseFromString(text, "application/xml");
  const broken = page.getElementsByTagName("parsererror")[0];
  if (broken !== undefined) {
    throw new ShapeError("app.custom.error.kml", { reason: shortened(broken.textContent ?? "") });
  }
  // What stands under several folders is one list; styles and tours are left out.
  return readGeoJson(kml(page), stem);
}

/**
 * Refuse text whose elements do not close each other. Browsers answer such text with a page of
 * their own, whose styles break this page's policy.
 */
function refuseBroken(text: string): void {
  const refuse = (reason: string) => {
    throw new ShapeError("app.custom.error.kml", { reason: shortened(reason) });
  };
  // Regular expressions take a time that grows with the square where nothing is closed.
  for (const [start, end] of PAIRED) {
    const left = text.indexOf(start, text.lastIndexOf(end) + 1);
    if (left >= 0) {
      refuse(text.slice(left, left + 20));
    }
  }
  const body = text.replace(NO_ELEMENT, "");
  for (let at = body.indexOf("<"); at >= 0; at = body.indexOf("<", at + 1)) {
    const [end, next] = [body.indexOf(">", at), body.indexOf("<", at + 1)];
    if (end < 0 || (next >= 0 && next < end)) {
      refuse(body.slice(at, at + 20));
    }
  }
  const open: string[] = [];
  for (const [element, closes, name = "", closed] of body.matchAll(ELEMENT)) {
    if (closes && open.pop() !== name) {
      refuse(element);
    } else if (!closes && !closed) {
      open.push(name);
    }
  }
  const [left] = open;
  if (left !== undefined) {
    refuse(`<${left}>`);
  }
  const stray = BARE.exec(body) ?? /[<]/.exec(body.replace(ELEMENT, ""));
  if (stray !== null) {
    refuse(body.slice(stray.index, stray.index + 20));
  }
}
