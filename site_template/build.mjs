// Bundle the front end: node build.mjs FOLDER writes app.js and map.js, readers.js, which the dashboard
// loads when a file is opened, guard.js, app.css and licenses.txt there.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";

const folder = process.argv[2];
if (!folder) {
  throw new Error("node build.mjs FOLDER: name the folder to write to");
}

// MapLibre's worker travels inside the script as text: from file:// it cannot be loaded beside it.
const workerAsText = {
  name: "worker-as-text",
  setup(run) {
    run.onLoad({ filter: /maplibre-gl-worker\.mjs$/ }, (file) => ({
      contents: readFileSync(file.path, "utf8"),
      loader: "text",
    }));
  },
};

const common = { bundle: true, minify: true, legalComments: "none", logLevel: "silent" };

async function bundle() {
  const script = await build({
    ...common,
    entryPoints: { app: "src/main.ts", map: "src/dashboard.ts", readers: "src/readers.ts" },
    format: "iife",
    target: "es2022",
    charset: "utf8",
    metafile: true,
    plugins: [workerAsText],
    outdir: folder,
  });
  const style = await build({
    ...common,
    entryPoints: ["styles/main.css"],
    metafile: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    outfile: join(folder, "app.css"),
  });
  // Old browsers must understand it, so it is neither bundled nor made of anything new.
  const guard = await transform(readFileSync("src/guard.js", "utf8"), { minify: true, target: "es5" });
  writeFileSync(join(folder, "guard.js"), guard.code);
  for (const warning of [...script.warnings, ...style.warnings]) {
    console.warn(`${warning.location?.file ?? "bundle"}: ${warning.text}`);
  }
}

/** Return the folders of all packages that reach a reader, nested inside each other's bundles. */
function shippedPackages() {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path && !entry.dev && !path.includes("/@types/"))
    .map(([path]) => path)
    .sort();
}

/** Return the licence of a package: its own files, else what we keep for it, else its README. */
function licenseText(path, name) {
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length > 0) {
    return files.sort().map((file) => readFileSync(join(path, file), "utf8").trim()).join("\n\n");
  }
  const kept = `${name.replace("/", "__")}.txt`;
  if (readdirSync("licenses").includes(kept)) {
    return readFileSync(join("licenses", kept), "utf8").trim();
  }
  const readme = readFileSync(join(path, "README.md"), "utf8");
  const start = readme.search(/^#+ *license/im);
  if (start < 0) {
    throw new Error(`${name}: no licence text found; put it into licenses/${kept}`);
  }
  return readme.slice(start).trim();
}

function licenses() {
  const parts = shippedPackages().map((path) => {
    const about = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    const head = `${about.name} ${about.version} (${about.license})`;
    return `${head}\n${"=".repeat(head.length)}\n\n${licenseText(path, about.name)}\n`;
  });
  const intro = "The dashboard contains these packages, each under its own licence.\n";
  return [intro, ...parts].join("\n\n");
}

try {
  await bundle();
  writeFileSync(join(folder, "licenses.txt"), licenses());
} catch (err) {
  const first = err.errors?.[0];
  const place = first?.location ? `${first.location.file}:${first.location.line}: ` : "";
  console.error(place + (first?.text ?? err.message));
  process.exit(1);
}
