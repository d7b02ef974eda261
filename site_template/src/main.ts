// Every page but the dashboard: the theme, and what the page of data and the ranking do themselves.

import { startRankPage } from "./rank/page.ts";
import { connectSnippets } from "./shared/snippets.ts";
import { startPage } from "./shared/start.ts";

startPage();
const data = document.querySelector<HTMLElement>("main[data-anywhere]");
if (data !== null) {
  connectSnippets(data);
}
if (document.getElementById("hexseal-rank") !== null) {
  const home = document.querySelector<HTMLAnchorElement>(".brand-name a")?.getAttribute("href");
  startRankPage(home ?? "index.html");
}
