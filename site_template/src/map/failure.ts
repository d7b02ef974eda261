// Every failure is shown in the page: what happened and what to do.

import { GPUInitializationError } from "maplibre-gl";
import { ArchiveError } from "./archive.ts";
import { make } from "../shared/dom.ts";
import { element } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

export function showFailure(err: unknown, text: Text): void {
  document.documentElement.dataset["hexseal"] = "error";
  const box = element("failure");
  box.replaceChildren(
    make("strong", {}, text.of("app.error.title")),
    make("p", {}, explain(err, text)),
    make("p", {}, text.of("app.error.tables")),
  );
  box.hidden = false;
  element("legend").hidden = true;
  showStatus("");
}

export function explain(err: unknown, text: Text): string {
  if (err instanceof ArchiveError) {
    const size = text.bytes(Number(err.values["bytes"] ?? 0));
    return text.of(err.key, { size, ...err.values });
  }
  if (err instanceof GPUInitializationError) {
    return text.of("app.error.webgl");
  }
  return text.of("app.error.unexpected", { reason: err instanceof Error ? err.message : String(err) });
}

export function showStatus(words: string): void {
  const status = element("status");
  status.textContent = words;
  status.hidden = words === "";
}
