// How large a ZIP file becomes when it is unpacked, from its own list of contents.

import { ShapeError } from "./errors.ts";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;

/** Return the sum of the sizes that a ZIP file states; raises ShapeError when it has no list. */
export function unpackedBytes(content: ArrayBuffer): number {
  const view = new DataView(content);
  const end = endOf(view);
  const entries = view.getUint16(end + 10, true);
  let place = view.getUint32(end + 16, true);
  let sum = 0;
  for (let entry = 0; entry < entries; entry++) {
    if (place + 46 > view.byteLength || view.getUint32(place, true) !== ENTRY) {
      throw new ShapeError("app.custom.error.zip");
    }
    sum += view.getUint32(place + 24, true);
    const rest = [28, 30, 32].reduce((all, at) => all + view.getUint16(place + at, true), 0);
    place += 46 + rest;
  }
  return sum;
}

function endOf(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let place = last; place >= Math.max(0, last - LONGEST_COMMENT); place--) {
    if (view.getUint32(place, true) === END) {
      return place;
    }
  }
  throw new ShapeError("app.custom.error.zip");
}
