// Files of many areas: ids, rows with the columns of hexseal areas, order, time limits, GeoPackages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ShapeError } from "../src/custom/errors.ts";
import { idIn, nameIn, type NamedShape } from "../src/custom/features.ts";
import { polygonsIn } from "../src/custom/geopackage.ts";
import { walk } from "../src/custom/many.ts";
import { readText } from "../src/custom/readers.ts";
import { answerOf, type AreaRow, edgeSpread, valuesOf } from "../src/custom/rows.ts";
import type { Polygon } from "../src/custom/shapes.ts";
import { timeLimit } from "../src/custom/slices.ts";
import type { Settings } from "../src/shared/settings.ts";

const square = (west: number, south: number, size: number): Polygon[] => [
  [
    [
      [west, south],
      [west + size, south],
      [west + size, south + size],
      [west, south + size],
    ],
  ],
];
const figures = {
  valid_m2: 20_000, land_m2: 10_000, sealed_m2_2018: 2_000, sealed_m2_2024: 2_600,
  new_sealed_m2_2018_2024: 800, unsealed_m2_2018_2024: 200, confirmed_m2_2018_2024: 300,
  adjusted_m2_2018_2024: 600, adjusted_low_m2_2018_2024: 100, adjusted_high_m2_2018_2024: 900, signal_2018_2024: 1,
};
const columns = [
  "id", "name", "polygon_m2", "covered_share", "answer", "repaired", "valid_pixels", "sealed_pixels_2024",
  "sealed_share_2024", "source_2024", "index_2018", "index_2024", "net_m2_2018_2024", "net_pp_per_year_2018_2024",
  "grade_2018_2024", "adjusted_m2_per_year_2018_2024", "detection_limit_m2_2018_2024", "loss_gain_ratio_2018_2024",
  "signal_2018_2024", "q_value_2018_2024",
];
const settings = {
  years: [2018, 2024], pairs: [[2018, 2024]], signals: ["no_data", "gain"], grades: { "2018_2024": { grade: "consistent" } },
  own: { columns, sources: { 2024: "Map of 2024" } },
} as unknown as Settings;
const found = { figures, size: 20_000, pixels: 200, whole: 3, cut: 2, border: "pixels", mapped: 1, covered: 1, isRough: false, ungraded: {} } as const;
const row = (more: Partial<AreaRow>): AreaRow => ({
  id: "7", name: "A", polygons: square(0, 0, 0.001), answer: "ok", problem: "", isRepaired: false, found, ...more,
});

test("a row holds the figures of hexseal areas in its order", () => {
  assert.deepEqual(valuesOf(row({}), settings), [
    "7", "A", 20_000, 1, "ok", false, 200, 26, 0.26, "Map of 2024", 100, 130, 600, 1, "consistent", 100, 400, 0.25, "gain", null,
  ]);
});

test("an area outside keeps its row with its answer and no figure", () => {
  const values = valuesOf(row({ found: null, answer: "outside" }), settings);
  assert.deepEqual(values.slice(0, 6), ["7", "A", null, 0, "outside", false]);
  assert.ok(values.slice(6).every((value) => value === null));
});

test("what is partly covered is told from the noise of counting", () => {
  // A square of about 111 m: 445 m around, pixels of 10 m.
  const polygons = square(0, 0, 0.001);
  assert.ok(Math.abs(edgeSpread(polygons, found) - Math.sqrt(0.0724 * 445 * 1000)) < 1);
  assert.equal(answerOf({ ...found, size: 12_300, covered: 0.97 }, polygons), "ok");
  assert.equal(answerOf({ ...found, size: 12_300, covered: 0.9 }, polygons), "partly");
});

test("ids and names are the file's own", () => {
  assert.equal(idIn({ NUTS_ID: "LU000", NAME: "Luxembourg" }), "LU000");
  assert.equal(nameIn({ NUTS_ID: "LU000", NAME: "Luxembourg" }), "Luxembourg");
  const feature = (more: object) => ({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: square(0, 0, 1)[0] }, ...more });
  const text = JSON.stringify({ features: [feature({ id: 12 }), feature({ properties: { code: "X1" } }), feature({})] });
  assert.deepEqual(readText(text, "file").shapes.map(({ id, name }) => [id, name]), [["12", "file 1"], ["X1", "X1"], ["3", "file 3"]]);
});

test("neighbours are measured one after the other, each once", () => {
  const shapes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((at): NamedShape => ({
    id: String(at), name: "", polygons: square((at * 7) % 3, Math.floor(((at * 7) % 9) / 3), 0.5),
  }));
  const order = walk(shapes);
  assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const places = order.map((at) => shapes[at]!.polygons[0]![0]![0]!);
  places.slice(1).forEach(([x, y], at) => {
    const [lastX, lastY] = places[at]!;
    assert.ok(Math.abs(x - lastX) + Math.abs(y - lastY) <= 1.001, `${lastX} ${lastY} to ${x} ${y}`);
  });
});

test("a loop that takes too long ends with a reason", () => {
  let now = 0;
  const inTime = timeLimit(1000, () => now);
  inTime();
  now = 1001;
  assert.throws(inTime, (err) => err instanceof ShapeError && err.key === "app.custom.error.slow");
});

/** A GeoPackage geometry: header with an envelope of 32 bytes, then well-known binary. */
function blobOf(wkb: number[], flags = 0b0000_0011): Uint8Array {
  return Uint8Array.from([0x47, 0x50, 0, flags, ...[0, 0, 0, 0], ...new Array<number>(flags & 14 ? 32 : 0).fill(0), ...wkb]);
}
const little = (value: number) => [value & 255, (value >> 8) & 255, 0, 0];
const doubles = (...values: number[]) => [...new Uint8Array(Float64Array.from(values).buffer)];

test("geometries of a GeoPackage become polygons, with heights left out", () => {
  const ring = [little(4), doubles(0, 0, 9, 2, 0, 9, 2, 2, 9, 0, 0, 9)].flat();
  const polygon = [1, ...[235, 3, 0, 0], ...little(1), ...ring];
  const multi = [1, ...little(6), ...little(1), ...polygon];
  const expected = [[[[0, 0], [2, 0], [2, 2]]]];
  assert.deepEqual(polygonsIn(blobOf(polygon), (point) => point), expected);
  assert.deepEqual(polygonsIn(blobOf(multi, 1), (point) => point), expected);
  assert.deepEqual(polygonsIn(blobOf([1, ...little(1), ...doubles(1, 2)]), (point) => point), []);
  assert.deepEqual(polygonsIn(blobOf([], 0b0001_0001), (point) => point), []);
  assert.throws(() => polygonsIn(blobOf(polygon.slice(0, 40)), (point) => point), RangeError);
  assert.throws(() => polygonsIn(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]), (point) => point), ShapeError);
});
