// On paper the map is a picture: graphics memory is empty by the time a browser prints.

import { make } from "./dom.ts";
import type { Comparison } from "./layers/comparison.ts";
import { drawSides } from "./layers/picture.ts";
import type { HexagonMap } from "./map.ts";

export function connectPrinting(view: HexagonMap, comparison: Comparison): void {
  const picture = make("canvas", { class: "map-picture" });
  addEventListener("beforeprint", () => {
    const { width, height } = view.map.getCanvas();
    picture.width = width;
    picture.height = height;
    const context = picture.getContext("2d");
    if (context !== null) {
      // Graphics memory is only full right after drawing.
      view.map.redraw();
      comparison.redraw();
      const twin = comparison.picture;
      const sides = { right: view.map.getCanvas(), left: twin?.canvas ?? null, part: twin?.part ?? 0 };
      drawSides(context, sides, { top: 0, width, height });
      view.map.getContainer().after(picture);
    }
  });
  addEventListener("afterprint", () => picture.remove());
}
