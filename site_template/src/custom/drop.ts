// Files dropped onto the map.

import { make } from "../shared/dom.ts";
import type { Text } from "../shared/text.ts";

export function connectDrop(frame: HTMLElement, text: Text, open: (file: File) => void): void {
  const veil = make("div", { class: "drop-veil", "aria-hidden": "true" }, text.of("app.custom.drop"));
  const holdsFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  frame.addEventListener("dragover", (event) => {
    if (holdsFile(event)) {
      event.preventDefault();
      frame.append(veil);
    }
  });
  frame.addEventListener("dragleave", (event) => {
    if (!frame.contains(event.relatedTarget as Node | null)) {
      veil.remove();
    }
  });
  frame.addEventListener("drop", (event) => {
    veil.remove();
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) {
      event.preventDefault();
      open(file);
    }
  });
}
