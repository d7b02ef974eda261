// What a ZIP file holds, unpacked by the browser; its own sizes are not believed.

import { ShapeError } from "./errors.ts";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const UTF8_NAME = 0x800;
const ENCRYPTED = 1;

export interface ZipEntry {
  /** Path inside the archive, with slashes. */
  name: string;
  isPacked: boolean;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Return the files of an archive, without folders, hidden files and what macOS adds. */
export function zipEntries(content: ArrayBuffer): ZipEntry[] {
  const view = new DataView(content);
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let place = view.getUint32(end + 16, true);
  const entries: ZipEntry[] = [];
  for (let entry = 0; entry < count; entry++) {
    if (place + 46 > view.byteLength || view.getUint32(place, true) !== ENTRY) {
      throw new ShapeError("app.custom.error.zip");
    }
    const [nameBytes, extra, comment] = [28, 30, 32].map((at) => view.getUint16(place + at, true)) as [number, number, number];
    const flags = view.getUint16(place + 8, true);
    const name = nameOf(new Uint8Array(content, place + 46, Math.min(nameBytes, view.byteLength - place - 46)), flags);
    const isContent = !name.endsWith("/") && !name.split("/").some((part) => /^\.|^__MACOSX$/.test(part));
    if (isContent) {
      entries.push(entryAt(view, place, name, flags));
    }
    place += 46 + nameBytes + extra + comment;
  }
  return entries;
}

/** Unpack a file; raises ShapeError where it is damaged or becomes larger than `most` bytes. */
export async function unpack({ bytes, isPacked }: ZipEntry, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const large = () => new ShapeError("app.custom.error.file_large", { size: most + 1, most });
  if (!isPacked) {
    if (bytes.length > most) {
      throw large();
    }
    return bytes;
  }
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      size += piece.value.length;
      if (size > most) {
        void reader.cancel();
        throw large();
      }
      pieces.push(piece.value);
    }
  } catch (err) {
    throw err instanceof ShapeError ? err : new ShapeError("app.custom.error.zip");
  }
  const whole = new Uint8Array(size);
  let place = 0;
  for (const piece of pieces) {
    whole.set(piece, place);
    place += piece.length;
  }
  return whole;
}

function entryAt(view: DataView, place: number, name: string, flags: number): ZipEntry {
  const method = view.getUint16(place + 10, true);
  const packed = view.getUint32(place + 20, true);
  const start = view.getUint32(place + 42, true);
  const isReadable = (method === 0 || method === 8) && (flags & ENCRYPTED) === 0;
  if (!isReadable || start + 30 > view.byteLength || view.getUint32(start, true) !== LOCAL) {
    throw new ShapeError("app.custom.error.zip");
  }
  const data = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
  if (data + packed > view.byteLength) {
    throw new ShapeError("app.custom.error.zip");
  }
  return { name, isPacked: method === 8, bytes: new Uint8Array(view.buffer as ArrayBuffer, data, packed) };
}

function nameOf(bytes: Uint8Array, flags: number): string {
  const text = new TextDecoder(flags & UTF8_NAME ? "utf-8" : "windows-1252").decode(bytes);
  return text.replaceAll("\\", "/");
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
