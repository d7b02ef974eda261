// The .prj of a shapefile: how its coordinates become longitude and latitude on WGS84. What lies
// on a datum whose distance from WGS84 is unknown is refused, never read as if it were WGS84.

import proj4 from "proj4";
import { DATUMS, SHIFTS, SYSTEMS } from "./datums.ts";
import { ShapeError } from "./errors.ts";
import { shortened } from "./items.ts";
import type { Point } from "./shapes.ts";

/** NAME["first", 1.5, CHILD[...]] of well-known text. */
interface Node {
  name: string;
  parts: (string | number | Node)[];
}

const DEGREE = Math.PI / 180;
const ANGLE = /meridian|latitude|longitude|parallel|azimuth|angle/i;
const LONGITUDE = /meridian|longitude/i;
const DEEPEST = 12;

/** Return the way from a file's coordinates to degrees; raises ShapeError where it is not known. */
export function toDegrees(prj: string): (point: Point) => Point {
  try {
    return conversion(systemIn(parseText(prj)));
  } catch (err) {
    if (err instanceof ShapeError) {
      throw err;
    }
    throw refusal(prj);
  }
}

function conversion(system: Node): (point: Point) => Point {
  const geographic = system.name === "GEOGCS" ? system : child(system, "GEOGCS");
  const datum = child(geographic, "DATUM");
  const unit = numberIn(child(geographic, "UNIT")) / DEGREE;
  const meridian = numberIn(child(geographic, "PRIMEM"));
  if (!(unit > 0) || !Number.isFinite(meridian)) {
    throw refusal(textIn(system));
  }
  const shift = shiftOf(system, geographic, datum);
  const onGreenwich = geographicOn(geographic, datum, shift);
  const written = system === geographic ? onGreenwich : projected(system, onGreenwich, unit, meridian);
  const { forward } = proj4(write(written), "WGS84");
  const isGeographic = system === geographic;
  return ([x, y]) => {
    const [lng, lat] = forward(isGeographic ? [x * unit + meridian, y * unit] : [x, y]);
    if (!Number.isFinite(lng! + lat!)) {
      throw new ShapeError("app.custom.error.coordinates");
    }
    return [lng!, lat!];
  };
}

/** Return seven parameters: those of the file, else of the system or the datum by name. */
function shiftOf(system: Node, geographic: Node, datum: Node): number[] {
  const own = datum.parts.find((part): part is Node => isNode(part) && part.name === "TOWGS84");
  if (own !== undefined) {
    const given = own.parts.filter((part): part is number => typeof part === "number");
    return [...given, 0, 0, 0, 0, 0, 0, 0].slice(0, 7);
  }
  const found =
    placeIn(SYSTEMS, textIn(system)) ?? placeIn(DATUMS, textIn(datum)) ?? placeIn(DATUMS, textIn(geographic));
  if (found === undefined) {
    throw refusal(textIn(system));
  }
  return SHIFTS[found]!.split(" ").map(Number);
}

const tables = new Map<Record<string, string>, Map<string, number>>();

function placeIn(table: Record<string, string>, name: string): number | undefined {
  let places = tables.get(table);
  if (places === undefined) {
    const all = Object.entries(table);
    places = new Map(all.flatMap(([place, names]) => names.split(" ").map((each) => [each, Number(place)] as const)));
    tables.set(table, places);
  }
  return places.get(name.replace(/^(GCS|D)_/, "").toLowerCase().replace(/[^a-z0-9]/g, ""));
}

/** Return the geographic system in degrees from Greenwich, with its shift. */
function geographicOn(geographic: Node, datum: Node, shift: number[]): Node {
  const ellipsoid = child(datum, "SPHEROID");
  // A name of its own keeps proj4 from a shift that it applies by the datum's name.
  // Where nothing moves, the name stays: proj4 takes Web Mercator for a sphere by it.
  const isMoved = shift.some((value) => value !== 0);
  const moved = isMoved
    ? { name: "DATUM", parts: ["shifted", ellipsoid, { name: "TOWGS84", parts: shift }] }
    : { name: "DATUM", parts: [textIn(datum), ellipsoid] };
  return {
    name: "GEOGCS",
    parts: [
      textIn(geographic),
      moved,
      { name: "PRIMEM", parts: ["Greenwich", 0] },
      { name: "UNIT", parts: ["Degree", DEGREE] },
    ],
  };
}

/** Return the projected system on it: angles in degrees, longitudes from Greenwich. */
function projected(system: Node, geographic: Node, unit: number, meridian: number): Node {
  const parts = system.parts.map((part) => {
    if (!isNode(part)) {
      return part;
    }
    if (part.name === "GEOGCS") {
      return geographic;
    }
    const [name, value] = part.parts;
    if (part.name !== "PARAMETER" || typeof name !== "string" || typeof value !== "number" || !ANGLE.test(name)) {
      return part;
    }
    return { name: part.name, parts: [name, value * unit + (LONGITUDE.test(name) ? meridian : 0)] };
  });
  return { name: system.name, parts };
}

/** Return the horizontal system, which may be one part of a compound. */
function systemIn(root: Node): Node {
  if (root.name === "PROJCS" || root.name === "GEOGCS") {
    return root;
  }
  const inner = root.parts.find(
    (part): part is Node => isNode(part) && (part.name === "PROJCS" || part.name === "GEOGCS"),
  );
  if (inner === undefined) {
    throw refusal(textIn(root));
  }
  return inner;
}

function parseText(text: string): Node {
  let place = 0;
  const tokens = text.match(/"[^"]*"|[A-Za-z_][A-Za-z0-9_]*|-?[\d.]+(?:[eE][-+]?\d+)?|[[\](),]/g) ?? [];
  const node = (depth: number): Node => {
    const name = tokens[place++]!.toUpperCase();
    if (depth > DEEPEST || !/^[[(]$/.test(tokens[place++] ?? "")) {
      throw refusal(text);
    }
    const parts: Node["parts"] = [];
    while (place < tokens.length && !/^[\])]$/.test(tokens[place]!)) {
      const token = tokens[place]!;
      if (token === ",") {
        place += 1;
      } else if (token.startsWith('"')) {
        parts.push(token.slice(1, -1));
        place += 1;
      } else if (/^-?[\d.]/.test(token)) {
        parts.push(Number(token));
        place += 1;
      } else if (/^[[(]$/.test(tokens[place + 1] ?? "")) {
        parts.push(node(depth + 1));
      } else {
        place += 1; // a bare word, such as the direction of an axis
      }
    }
    place += 1;
    return { name, parts };
  };
  if (tokens.length < 2) {
    throw refusal(text);
  }
  return node(0);
}

/** Files hold x before y whatever the system's axes are, so these are left out, as are names of authorities. */
const LEFT_OUT = ["AXIS", "AUTHORITY"];

function write(node: Node): string {
  const kept = node.parts.filter((part) => !isNode(part) || !LEFT_OUT.includes(part.name));
  const parts = kept.map((part) =>
    isNode(part) ? write(part) : typeof part === "number" ? String(part) : `"${part}"`,
  );
  return `${node.name}[${parts.join(",")}]`;
}

function isNode(part: string | number | Node): part is Node {
  return typeof part === "object";
}

function child(node: Node, name: string): Node {
  const found = node.parts.find((part): part is Node => isNode(part) && part.name === name);
  if (found === undefined) {
    throw refusal(textIn(node));
  }
  return found;
}

function textIn(node: Node): string {
  return node.parts.find((part): part is string => typeof part === "string") ?? node.name;
}

function numberIn(node: Node): number {
  return node.parts.find((part): part is number => typeof part === "number") ?? NaN;
}

function refusal(system: string): ShapeError {
  return new ShapeError("app.custom.error.system", { system: shortened(system) });
}
