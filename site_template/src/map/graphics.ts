// Asking the graphics card without keeping the reader waiting. It works behind the page, and whatever
// waits for an answer of it (a new shader program, a picture) blocks the page until all that was drawn
// before is done: under software rendering a quarter of a second. So do it before there is anything to
// wait for, or wait first.

import type { Map as MapLibre } from "maplibre-gl";

const EVERY_MS = 8;
const PATIENCE_MS = 5000;
const DOT = "dot";
const DOT_DEGREES = 1e-5;

/** Resolve when all that a map has drawn so far is finished, or after ``PATIENCE_MS``. */
export async function drained(map: MapLibre): Promise<void> {
  const gl = map.getCanvas().getContext("webgl2");
  const fence = gl?.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
  if (!gl || !fence) {
    return;
  }
  gl.flush();
  const start = performance.now();
  do {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  } while (
    gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.UNSIGNALED &&
    performance.now() - start < PATIENCE_MS
  );
  gl.deleteSync(fence);
}

/** Resolve when a map has loaded and drawn what it is to show, or after ``PATIENCE_MS``. */
export async function atRest(map: MapLibre): Promise<void> {
  if (!map.loaded() || map.isMoving()) {
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    await Promise.race([map.once("idle"), patience]);
  }
  await drained(map);
}

/** Draw a map and return what it shows, copied by the graphics card and fetched when that is done. */
export async function taken(map: MapLibre): Promise<ImageBitmap> {
  await atRest(map);
  // Graphics memory is only full right after drawing.
  map.redraw();
  const gl = map.getCanvas().getContext("webgl2");
  if (!gl || gl.isContextLost()) {
    throw new Error("the browser took the map's graphics memory away");
  }
  const { drawingBufferWidth: width, drawingBufferHeight: height } = gl;
  const pixels = new Uint8ClampedArray(width * height * 4);
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
  gl.bufferData(gl.PIXEL_PACK_BUFFER, pixels.length, gl.STREAM_READ);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, 0);
  gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
  await drained(map);
  gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
  gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, pixels);
  gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
  gl.deleteBuffer(buffer);
  // Its first row is the lowest.
  return createImageBitmap(new ImageData(pixels, width, height), { imageOrientation: "flipY" });
}

/** Take a map at so many pixels for each of a style sheet; the map is then as it was. */
export async function takenAt(map: MapLibre, ratio: number): Promise<ImageBitmap> {
  const before = map.getPixelRatio();
  map.setPixelRatio(ratio);
  try {
    return await taken(map);
  } finally {
    map.setPixelRatio(before);
  }
}

/** Add a raster layer of one transparent dot beneath everything to a map whose style has loaded.
 *
 * MapLibre makes the shader program of images and pixels when it first draws any: so in the map's
 * first frame, before anything is drawn that would have to be waited for.
 */
export function addDot(map: MapLibre): void {
  const { layers } = map.getStyle();
  if (!layers.some(({ type }) => type === "raster")) {
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const { lng, lat } = map.getCenter();
  const [east, south] = [lng + DOT_DEGREES, lat - DOT_DEGREES];
  map.addSource(DOT, {
    type: "canvas",
    canvas,
    animate: false,
    coordinates: [[lng, lat], [east, lat], [east, south], [lng, south]],
  });
  const paint = { "raster-fade-duration": 0 } as const;
  map.addLayer({ id: DOT, type: "raster", source: DOT, paint }, layers[0]?.id);
}
