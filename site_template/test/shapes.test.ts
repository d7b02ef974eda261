// Shapes, their areas, their part in hexagons, and their place in an address.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeShape, encodeShape, rounded } from "../src/custom/encoding.ts";
import {
  areaOf,
  boundsOf,
  circleRing,
  distance,
  findCrossing,
  orientedRings,
  planeArea,
  type Polygon,
  type Shape,
} from "../src/custom/shapes.ts";
import { cellWeights, hexagonRing, meets, turned } from "../src/custom/weights.ts";

const near = (value: number, wanted: number, tolerance: number) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value} is not ${wanted} +/- ${tolerance}`);
const square = (west: number, south: number, size: number): Polygon => [
  [
    [west, south],
    [west + size, south],
    [west + size, south + size],
    [west, south + size],
  ],
];

test("a degree at the equator has the area of the ellipsoid", () => {
  // pyproj.Geod(ellps="WGS84").polygon_area_perimeter([0, 1, 1, 0], [0, 0, 1, 1]): 12 308.778 km².
  near(areaOf([square(0, 0, 1)]) / 1e6, 12_308.8, 0.5);
  const hole = [...square(0, 0, 1), square(0.25, 0.25, 0.5)[0]!];
  near(areaOf([hole]) / areaOf([square(0, 0, 1)]), 0.75, 1e-4);
});

test("a circle has the area of its radius and a ring that is closed by itself", () => {
  const ring = circleRing([6, 49], 1000);
  assert.equal(ring.length, 128);
  near(areaOf([[ring]]) / (Math.PI * 1e6), 1, 0.005);
  for (const corner of ring) {
    near(distance([6, 49], corner), 1000, 1);
  }
});

test("rings are turned: outlines to the left, holes to the right", () => {
  const clockwise = [...square(0, 0, 2)[0]!].reverse();
  const [outline, hole] = orientedRings([[clockwise, square(0.5, 0.5, 1)[0]!]]);
  assert.equal(planeArea(outline!), 4);
  assert.equal(planeArea(hole!), -1);
  assert.deepEqual(boundsOf([square(1, 2, 3)]), [1, 2, 4, 5]);
});

test("sides that cross are found, corners that touch are not", () => {
  const bow: Polygon = [[[0, 0], [2, 2], [2, 0], [0, 2]]];
  assert.deepEqual(findCrossing([bow])?.at, [1, 1]);
  assert.equal(findCrossing([square(0, 0, 1), square(1, 1, 1)]), null);
});

test("an address gives a shape back, and null for what is none", () => {
  const circle: Shape = { kind: "circle", center: [6.12345, 49.6], radius: 250 };
  assert.deepEqual(decodeShape(encodeShape(circle)), circle);
  const polygons: Shape = {
    kind: "polygons",
    polygons: [[...square(6, 49, 0.5), square(6.1, 49.1, 0.1)[0]!], square(-7, -8, 1)],
  };
  assert.deepEqual(decodeShape(encodeShape(polygons)), rounded(polygons));
  assert.match(encodeShape(polygons), /^[A-Za-z0-9_.*-]+$/);
  for (const text of ["", "x", "c", "p", "pAA", "c!", "pAAAA", "p".repeat(90)]) {
    assert.equal(decodeShape(text), null, text);
  }
});

test("weights are the part of each hexagon inside", () => {
  const index = "891fa1b1c2fffff";
  const ring = hexagonRing(index);
  const [west, south, east, north] = boundsOf([[ring]]);
  const middle = [(west + east) / 2, (south + north) / 2] as const;
  const cells = {
    index: [index],
    lng: Float64Array.of(middle[0]),
    lat: Float64Array.of(middle[1]),
    reach: [(east - west) / 2, (north - south) / 2] as [number, number],
  };
  const size = east - west;
  const whole = cellWeights(cells, [square(west - size, south - size, 4 * size)]);
  assert.deepEqual([...whole.weights], [1]);
  assert.equal(whole.border.size, 0);
  const half: Polygon = [[[west - 1, south - 1], [middle[0], south - 1], [middle[0], north + 1], [west - 1, north + 1]]];
  near(cellWeights(cells, [half]).weights[0]!, 0.5, 0.01);
  assert.deepEqual([...cellWeights(cells, [square(west + 1, south, 1)]).weights], [0]);
  assert.throws(() => cellWeights(cells, [square(west - 1, south - 1, 3), square(west - 1, south - 1, 3)]));
  assert.ok(meets([half], ring));
});

test("longitudes turn to the nearer side", () => {
  assert.equal(turned(179, -179), -181);
  assert.equal(turned(-179, 179), 181);
  assert.equal(turned(10, 12), 10);
});
