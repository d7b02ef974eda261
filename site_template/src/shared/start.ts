// What every page does first: mark that the script runs, and follow the reader's choice of theme.

import { element } from "./settings.ts";
import { Theme } from "./theme.ts";

declare global {
  // What guard.js looks for: this script was read and runs.
  var hexsealRuns: boolean | undefined;
}

export function startPage(): Theme {
  globalThis.hexsealRuns = true;
  const theme = new Theme();
  const toggle = element<HTMLButtonElement>("theme");
  toggle.hidden = false;
  toggle.addEventListener("click", () => theme.toggle());
  return theme;
}
