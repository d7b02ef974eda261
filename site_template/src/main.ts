// Every page: light or dark; and the dashboard where the page holds its settings.

import { connectTheme } from "./controls.ts";
import { Theme } from "./theme.ts";

const theme = new Theme();
connectTheme(theme);
if (document.getElementById("hexseal-config") !== null) {
  // Bundled into the same file; its modules only run where they are needed.
  void import("./dashboard.ts").then(({ startDashboard }) => startDashboard(theme));
}
