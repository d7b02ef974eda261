// The numbers of a tile of pixels: PNG with one byte a pixel, as hexseal/tiles/codes.py writes it.

const SIGNATURE_BYTES = 8;
const HEAD = 0x49484452;
const DATA = 0x49444154;

export interface Picture {
  width: number;
  height: number;
  /** The number at row r, column c stands at r x (width + 1) + 1 + c: rows begin with a filter. */
  rows: Uint8Array;
}

/** Return the numbers of a picture; raises Error for any other kind of PNG. */
export async function readNumbers(png: ArrayBuffer): Promise<Picture> {
  const view = new DataView(png);
  let [width, height] = [0, 0];
  const parts: ArrayBuffer[] = [];
  for (let place = SIGNATURE_BYTES; place + 12 <= png.byteLength; ) {
    const length = view.getUint32(place);
    const kind = view.getUint32(place + 4);
    const start = place + 8;
    if (kind === HEAD) {
      width = view.getUint32(start);
      height = view.getUint32(start + 4);
    } else if (kind === DATA) {
      parts.push(png.slice(start, start + length));
    }
    place = start + length + 4;
  }
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const rows = new Uint8Array(await new Response(stream).arrayBuffer());
  if (width === 0 || rows.length !== height * (width + 1) || rows[0] !== 0) {
    throw new Error("a tile of pixels is no picture of one byte a pixel");
  }
  return { width, height, rows };
}
