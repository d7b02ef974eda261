// The readers of files, loaded with the first file: pages that nobody brings a file to stay small.

import type { Settings } from "../shared/settings.ts";
import { loadBeside } from "./beside.ts";
import { ShapeError } from "./errors.ts";
import type { FileShapes } from "./features.ts";

/** What assets/readers-HASH.js leaves behind (src/readers.ts). */
export interface Readers {
  readFile(file: File): Promise<FileShapes>;
  readText(text: string, stem: string): FileShapes;
}

declare global {
  var hexsealReaders: Readers | undefined;
}

export async function readFile(file: File, { own, root }: Settings): Promise<FileShapes> {
  const readers = await loaded(root + own.readers);
  return readers.readFile(file).catch(mended);
}

export async function readText(text: string, stem: string, { own, root }: Settings): Promise<FileShapes> {
  const readers = await loaded(root + own.readers);
  try {
    return readers.readText(text, stem);
  } catch (err) {
    return mended(err);
  }
}

async function loaded(address: string): Promise<Readers> {
  return globalThis.hexsealReaders ?? loadBeside(address, () => globalThis.hexsealReaders);
}

/** Errors of another script are of another class. */
function mended(err: unknown): never {
  const { name, key, values } = err as Partial<ShapeError>;
  throw name === "ShapeError" && key !== undefined ? new ShapeError(key, values) : err;
}
