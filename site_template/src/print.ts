// On paper the map is a picture: graphics memory is empty by the time a browser prints.

import type { Map as MapLibre } from "maplibre-gl";
import { make } from "./dom.ts";

export function connectPrinting(map: MapLibre): void {
  const picture = make("img", { class: "map-picture", alt: "" });
  addEventListener("beforeprint", () => {
    map.redraw();
    picture.src = map.getCanvas().toDataURL("image/png");
    map.getContainer().after(picture);
  });
  addEventListener("afterprint", () => picture.remove());
}
