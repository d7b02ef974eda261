// The numbers of a tile of pixels: PNG with one byte or half a byte a pixel, as hexseal/tiles/codes.py writes it.

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
  let [width, height, bits] = [0, 0, 0];
  const parts: ArrayBuffer[] = [];
  for (let place = SIGNATURE_BYTES; place + 12 <= png.byteLength; ) {
    const length = view.getUint32(place);
    const kind = view.getUint32(place + 4);
    const start = place + 8;
    if (kind === HEAD) {
      width = view.getUint32(start);
      height = view.getUint32(start + 4);
      bits = view.getUint8(start + 8);
    } else if (kind === DATA) {
      parts.push(png.slice(start, start + length));
    }
    place = start + length + 4;
  }
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const side = 1 + Math.ceil((width * bits) / 8);
  if (width === 0 || (bits !== 4 && bits !== 8) || bytes.length !== height * side || bytes[0] !== 0) {
    throw new Error("a tile of pixels is no picture of one byte or half a byte a pixel");
  }
  return { width, height, rows: bits === 8 ? bytes : unpacked(bytes, width, height, side) };
}

/** Return rows of half bytes, ``side`` bytes each with their filter, as rows of bytes. */
function unpacked(bytes: Uint8Array, width: number, height: number, side: number): Uint8Array {
  const rows = new Uint8Array(height * (width + 1));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const pair = bytes[row * side + 1 + (column >> 1)] ?? 0;
      rows[row * (width + 1) + 1 + column] = column % 2 === 0 ? pair >> 4 : pair & 15;
    }
  }
  return rows;
}
