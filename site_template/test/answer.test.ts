// Sums of hexagons: those that are inconclusive are left out of the change, and that is stated.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addRows, judged, type Sums } from "../src/custom/answer.ts";
import type { CellTable } from "../src/custom/partitions.ts";
import type { Settings } from "../src/shared/settings.ts";

const noise = {
  slope: 1, slope_sd: 0, bias_sd: 0, levels: [{ pixels: 100, rate: 0.1, shape: 5, design: 1 }],
  gain_kept: 1, loss_kept: 1, edges_before: 1, edges_after: 1, confirmed_whole: 1,
  confirmed_design: 0, field_gain: 0, field_loss: 0, excess: 0, edges: 100, sealed_before: 100,
  is_inconclusive: false, most_doubtful: 0.25,
};
const settings = {
  pairs: [[2018, 2021]],
  years: [2018, 2021],
  noise: { "2018_2021": noise },
  signals: ["no_data", "within_noise", "gain", "loss", "inconclusive"],
} as unknown as Settings;

/** Ten hexagons of 100 pixels; the last ones are inconclusive and hold no figure of change. */
function hexagons(ungraded: number): CellTable {
  const places = [...Array(10).keys()];
  const isGraded = (place: number) => place < 10 - ungraded;
  const column = (value: (place: number) => number) => Float64Array.from(places, value);
  return {
    index: places.map(String),
    columns: {
      valid_m2: column(() => 10_000),
      valid_pixels: column(() => 100),
      sealed_m2_2018: column(() => 2_000),
      sealed_m2_2021: column(() => 2_500),
      new_sealed_m2_2018_2021: column(() => 700),
      unsealed_m2_2018_2021: column(() => 200),
      confirmed_m2_2018_2021: column((place) => (isGraded(place) ? 500 : 0)),
      adjusted_m2_2018_2021: column((place) => (isGraded(place) ? 500 : 0)),
    },
    ungraded: { "2018_2021": column((place) => (isGraded(place) ? 0 : 1)) },
  };
}

function answered(ungraded: number) {
  const sums: Sums = { all: {}, ungraded: {} };
  addRows(sums, hexagons(ungraded), [...Array(10).keys()], () => 1);
  return judged(sums, settings);
}

test("a shape of graded hexagons leaves nothing out", () => {
  const { figures, ungraded } = answered(0);
  assert.deepEqual(ungraded, {});
  assert.equal(figures["adjusted_m2_2018_2021"], 5_000);
  assert.equal(figures["inconclusive_share_2018_2021"], undefined);
});

test("a few inconclusive hexagons are left out, and the share of them is stated", () => {
  const { figures, ungraded } = answered(2);
  assert.deepEqual(ungraded, { "2018_2021": 0.2 });
  assert.equal(figures["inconclusive_share_2018_2021"], 0.2);
  assert.equal(figures["adjusted_m2_2018_2021"], 4_000);
  // Raw change is a comparison of maps: it holds everywhere.
  assert.equal(figures["new_sealed_m2_2018_2021"], 7_000);
  const width = (found: ReturnType<typeof answered>) =>
    found.figures["adjusted_high_m2_2018_2021"]! - found.figures["adjusted_low_m2_2018_2021"]!;
  assert.ok(width(answered(2)) < width(answered(0)));
});

test("a shape that is inconclusive by more than a quarter has no figure of change", () => {
  const { figures, ungraded } = answered(3);
  assert.deepEqual(ungraded, { "2018_2021": 0.3 });
  assert.equal(figures["adjusted_m2_2018_2021"], undefined);
  assert.equal(figures["confirmed_m2_2018_2021"], undefined);
  assert.equal(figures["adjusted_low_m2_2018_2021"], undefined);
  assert.equal(settings.signals[figures["signal_2018_2021"]!], "inconclusive");
});
