// Every page: light or dark; and the dashboard where the page holds its settings.

import { connectTheme } from "./controls.ts";
import { connectSnippets } from "./snippets.ts";
import { Theme } from "./theme.ts";

declare global {
  // What guard.js looks for: this script was read and runs.
  var hexsealRuns: boolean | undefined;
}

globalThis.hexsealRuns = true;
const theme = new Theme();
connectTheme(theme);
const data = document.querySelector<HTMLElement>("main[data-anywhere]");
if (data !== null) {
  connectSnippets(data);
}
if (document.getElementById("hexseal-config") !== null) {
  // Bundled into the same file; its modules only run where they are needed.
  void import("./dashboard.ts").then(({ startDashboard }) => startDashboard(theme));
}
if (document.getElementById("hexseal-rank") !== null) {
  const home = document.querySelector<HTMLAnchorElement>(".brand-name a")?.getAttribute("href");
  void import("./rank.ts").then(({ startRankPage }) => startRankPage(home ?? "index.html"));
}
