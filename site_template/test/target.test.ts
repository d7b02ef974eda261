// Targets: the pace that a base period allows, whether it is kept, and what is used of the budget.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { paceOf, targetAnswer } from "../src/panel/target.ts";
import type { Figures, Settings } from "../src/shared/settings.ts";
import { Text } from "../src/shared/text.ts";

const text = new Text("en", JSON.parse(readFileSync("locales/en.json", "utf8")) as Record<string, string>);
const HA = 10_000;
const supported = { grade: "consistent", note: "", reasons: [] };
const settings = {
  years: [2018, 2021, 2024],
  pairs: [[2018, 2021], [2021, 2024], [2018, 2024]],
  grades: { "2018_2021": supported, "2021_2024": supported, "2018_2024": supported },
  gradeNames: ["reference", "consistent", "inconclusive", "incomparable"],
  modelYears: [],
  // Half of the pace of 2018 to 2021, up to 2031.
  target: { base: [2018, 2021], year: 2031, reduction: 50 },
} as unknown as Settings;

/** Net change of both periods as low, middle, high in hectares a year; graded as the region is. */
function figures(base: number[], since: number[] | null): Figures {
  const period = (key: string, [low = 0, middle = 0, high = 0]: number[]) => ({
    [`adjusted_low_m2_${key}`]: 3 * low * HA,
    [`adjusted_m2_${key}`]: 3 * middle * HA,
    [`adjusted_high_m2_${key}`]: 3 * high * HA,
  });
  return { ...period("2018_2021", base), ...(since === null ? {} : period("2021_2024", since)) };
}
const base = [1, 2, 3];
const answerTo = (since: number[] | null, reduction = 50) =>
  targetAnswer(settings, text, figures(base, since), reduction).replace(/[\u00a0\u202f]/g, " ");

test("the pace is the base period's middle less the reduction", () => {
  assert.equal(paceOf(settings, figures(base, null), null), 1 * HA);
  assert.equal(paceOf(settings, figures(base, null), 25), 1.5 * HA);
  assert.equal(paceOf(settings, figures(base, null), 100), 0);
});

test("there is no pace without growth to reduce, without figures or without a target", () => {
  assert.equal(paceOf(settings, figures([-3, -2, -1], null), null), null);
  assert.equal(paceOf(settings, figures([-1, 0, 1], null), null), null);
  assert.equal(paceOf(settings, {}, null), null);
  assert.equal(paceOf({ ...settings, target: null }, figures(base, null), null), null);
  const weak = { ...settings, grades: { ...settings.grades, "2018_2021": { ...supported, grade: "inconclusive" } } };
  assert.equal(paceOf(weak as Settings, figures(base, null), null), null);
});

test("kept where the whole interval lies at or below the pace, missed where it lies above", () => {
  assert.match(answerTo([0.2, 0.6, 1]), /^Yes\./);
  assert.match(answerTo([1.01, 2, 3]), /^No\./);
  assert.match(answerTo([0.5, 1, 1.5]), /^Not clear\./);
  assert.equal(answerTo(null), "Not clear: the maps support no figure since 2021.");
});

test("the budget is the pace up to the year of the target; its use is an interval that begins at 0", () => {
  // 1 ha a year for 10 years; three years of 0.5 to 1.5 ha.
  assert.equal(answerTo([0.5, 1, 1.5]), "Not clear. By 2024, 15 to 45 % of the 10.0 ha up to 2031 are used.");
  assert.equal(answerTo([-1, 0, 1]), "Yes. By 2024, 0 to 30 % of the 10.0 ha up to 2031 are used.");
  assert.equal(answerTo([2, 4, 5]), "No. By 2024, 60 to 150 % of the 10.0 ha up to 2031 are used.");
});

test("no net growth leaves no budget to use", () => {
  assert.equal(answerTo([0.5, 1, 1.5], 100), "No.");
  assert.equal(answerTo([-2, -1, 0], 100), "Yes.");
});
