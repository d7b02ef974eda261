// Intervals: Student's t against printed tables, and the formula at its ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { levelFor, studentProbability, studentQuantile } from "../src/custom/noise.ts";

test("quantiles of Student's t are those of printed tables", () => {
  // Freedom and the 97.5 % point, to three digits after the point.
  for (const [freedom, wanted] of [[1, 12.706], [2, 4.303], [5, 2.571], [30, 2.042], [1000, 1.962]] as const) {
    assert.equal(studentQuantile(0.975, freedom).toFixed(3), wanted.toFixed(3));
  }
});

test("probability and quantile are inverse, and a half lies below 0", () => {
  assert.equal(studentProbability(0, 7), 0.5);
  for (const part of [0.6, 0.9, 0.999]) {
    assert.ok(Math.abs(studentProbability(studentQuantile(part, 3.5), 3.5) - part) < 1e-9);
  }
});

test("the level of the nearest size is taken by ratio", () => {
  const level = (pixels: number) => ({ pixels, rate: 0, shape: 1, design: 1 });
  const levels = [level(100), level(10_000)];
  assert.equal(levelFor(levels, 999).pixels, 100);
  assert.equal(levelFor(levels, 1001).pixels, 10_000);
  assert.equal(levelFor(levels, 0).pixels, 100);
});
