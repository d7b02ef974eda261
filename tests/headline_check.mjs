// Say the headlines of test_headline.py with the page's own script: node headline_check.mjs TEMPLATE GIVEN.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [template, given] = process.argv.slice(2);
const { build } = createRequire(join(template, "package.json"))("esbuild");
const bundled = await build({
  stdin: {
    contents: 'export * from "./src/panel/headline.ts"; export { Text } from "./src/shared/text.ts";',
    resolveDir: template,
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  write: false,
});
const code = Buffer.from(bundled.outputFiles[0].contents).toString("base64");
const { headlineOf, Text } = await import(`data:text/javascript;base64,${code}`);
const { cases, texts } = JSON.parse(readFileSync(given, "utf8"));
const HA = 10_000;
const gradeNames = ["reference", "consistent", "inconclusive", "incomparable"];

function say({ share, grade, low, high, places }, language) {
  const settings = {
    years: [2018, 2024],
    pairs: [[2018, 2024]],
    grades: { "2018_2024": { grade, note: "", reasons: [] } },
    gradeNames,
    modelYears: [],
  };
  const figures = { valid_m2: 1200 * HA, land_m2: 1000 * HA, sealed_m2_2024: 10 * HA * share };
  const set = (name, value) => value !== null && (figures[`${name}_2018_2024`] = value);
  set("adjusted_low_m2", low === null ? null : low * 6 * HA);
  set("adjusted_high_m2", high === null ? null : high * 6 * HA);
  set("adjusted_m2", low === null ? null : ((low + high) / 2) * 6 * HA);
  set("confirmed_m2", places === null ? null : places * HA);
  return headlineOf(settings, new Text(language, texts[language]), figures).sentence;
}

console.log(JSON.stringify(cases.map((one) => ({ en: say(one, "en"), fr: say(one, "fr") }))));
