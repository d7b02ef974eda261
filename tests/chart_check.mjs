// Draw the charts of test_charts.py with the page's own script: node chart_check.mjs TEMPLATE GIVEN.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [template, given] = process.argv.slice(2);
const { build } = createRequire(join(template, "package.json"))("esbuild");
const bundled = await build({
  stdin: {
    contents: 'export * from "./src/panel/charts.ts"; export { Text } from "./src/shared/text.ts";',
    resolveDir: template,
    loader: "ts",
  },
  bundle: true,
  format: "esm",
  write: false,
});
const code = Buffer.from(bundled.outputFiles[0].contents).toString("base64");

/** As much of a document as charts need. */
class Made {
  constructor(tag) {
    Object.assign(this, { tag, attributes: {}, children: [] });
  }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  set textContent(words) {
    this.children = [words];
  }
}
globalThis.document = { createElementNS: (_, tag) => new Made(tag), createElement: (tag) => new Made(tag) };
globalThis.Node = Made;

const { stockChart, originsChart, intervalChart, Text } = await import(`data:text/javascript;base64,${code}`);
const { cases, texts } = JSON.parse(readFileSync(given, "utf8"));

/** The drawing as tag, attributes and words of each element, in order. */
function elementsOf(made) {
  if (made.tag === "svg") {
    return flat(made);
  }
  return made.children.filter((child) => child instanceof Made).flatMap(elementsOf);
}

function flat(made) {
  const words = made.children.filter((child) => typeof child === "string").join("");
  const inner = made.children.filter((child) => child instanceof Made).flatMap(flat);
  return [[made.tag, made.attributes, words], ...inner];
}

const DRAW = {
  stock: ({ points }, text) => stockChart(points, text),
  origins: ({ origins }, text) => originsChart(origins, text),
  intervals: ({ periods, medians, target }, text) => intervalChart(periods, text, { medians, target, targetYear: 2031 }),
};
const drawn = cases.map((one) => {
  const chart = DRAW[one.kind](one, new Text(one.language, texts[one.language]));
  return chart === null ? null : elementsOf(chart);
});
console.log(JSON.stringify(drawn));
