// The tile archive: in memory when the page is a file, by ranges from a server, or as one whole
// download where a server has no ranges.

import { PMTiles, type RangeResponse, type Source } from "pmtiles";
import type { Settings } from "../shared/settings.ts";

/** Above this size a whole download is refused. */
export const WHOLE_LIMIT_BYTES = 200_000_000;

export type Report = (loadedBytes: number) => void;

/** A failure that the page explains: the key of its text and what to fill in. */
export class ArchiveError extends Error {
  constructor(
    readonly key: string,
    readonly values: Record<string, string | number> = {},
  ) {
    super(key);
  }
}

declare global {
  // Set by assets/tiles-HASH.js (hexseal/tiles.py).
  var hexsealArchive: string | undefined;
  // Set by the scripts of further layers, by name (hexseal/tiles/archives.py).
  var hexsealArchives: Record<string, string> | undefined;
}

export async function openArchive(settings: Settings, report: Report): Promise<PMTiles> {
  const { tiles, root } = settings;
  const source =
    location.protocol === "file:"
      ? new MemorySource(tiles.pmtiles, await readBeside(tiles.script, root, takeTiles))
      : new ServerSource(new URL(root + tiles.pmtiles, location.href).href, tiles.bytes, report);
  const archive = new PMTiles(source);
  try {
    await archive.getHeader();
  } catch (err) {
    throw err instanceof ArchiveError
      ? err
      : new ArchiveError("app.error.archive_changed", { file: tiles.pmtiles });
  }
  return archive;
}

export class MemorySource implements Source {
  constructor(
    private readonly name: string,
    private readonly bytes: Uint8Array<ArrayBuffer>,
  ) {}

  getKey(): string {
    return this.name;
  }

  async getBytes(offset: number, length: number): Promise<RangeResponse> {
    return { data: this.bytes.buffer.slice(offset, offset + length) };
  }
}

export class ServerSource implements Source {
  private whole: Promise<ArrayBuffer> | null = null;
  private sendsParts = false;

  constructor(
    private readonly address: string,
    private readonly size: number,
    private readonly report: Report,
  ) {}

  getKey(): string {
    return this.address;
  }

  get file(): string {
    return this.address.split("/").slice(-2).join("/");
  }

  async getBytes(offset: number, length: number, signal?: AbortSignal): Promise<RangeResponse> {
    const end = Math.min(offset + length, this.size);
    if (this.whole === null) {
      const response = await this.requestPart(offset, end, signal);
      if (response !== null && this.isPart(response)) {
        const part = await response.arrayBuffer();
        if (part.byteLength === end - offset) {
          this.sendsParts = true;
          return { data: part };
        }
      }
      this.whole ??= this.readWhole(signal ? null : response);
    }
    return { data: (await this.whole).slice(offset, end) };
  }

  /** Request a range; null when that fails with a server that never sent one before. */
  private async requestPart(offset: number, end: number, signal?: AbortSignal): Promise<Response | null> {
    try {
      return await this.request({ headers: { range: `bytes=${offset}-${end - 1}` }, signal });
    } catch (err) {
      // Browsers refuse a range that comes packed; the whole file may still arrive.
      const mayBeWhole = err instanceof ArchiveError && err.key === "app.error.archive_failed";
      if (mayBeWhole && !this.sendsParts) {
        return null;
      }
      throw err;
    }
  }

  /** Return whether an answer holds the requested range, as it lies in the file. */
  private isPart({ status, headers }: Response): boolean {
    // A packed part cannot be unpacked by itself, and its place is that in the packed file: some
    // hosts pack whatever they send.
    if (status !== 206 || headers.has("content-encoding")) {
      return false;
    }
    const total = headers.get("content-range")?.split("/")[1];
    if (total !== undefined && total !== "*" && Number(total) !== this.size) {
      throw new ArchiveError("app.error.archive_changed", { file: this.file });
    }
    return true;
  }

  /** Read the whole file, from an answer that turned out to hold it or else from a new one. */
  private async readWhole(answer: Response | null): Promise<ArrayBuffer> {
    if (this.size > WHOLE_LIMIT_BYTES) {
      await answer?.body?.cancel();
      throw new ArchiveError("app.error.archive_large", { bytes: this.size });
    }
    const isWhole = answer?.status === 200;
    if (!isWhole && !answer?.bodyUsed) {
      await answer?.body?.cancel();
    }
    const response = isWhole ? answer : await this.request({});
    const whole = new Uint8Array(this.size);
    let loaded = 0;
    const reader = response.body?.getReader();
    for (;;) {
      const { done = true, value } = (await reader?.read()) ?? {};
      if (done || value === undefined) {
        break;
      }
      if (loaded + value.length > this.size) {
        throw new ArchiveError("app.error.archive_changed", { file: this.file });
      }
      whole.set(value, loaded);
      loaded += value.length;
      this.report(loaded);
    }
    if (loaded !== this.size) {
      throw new ArchiveError("app.error.archive_changed", { file: this.file });
    }
    return whole.buffer;
  }

  private async request(options: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.address, options);
    } catch (err) {
      if (err instanceof DOMException && err.name === "AbortError") {
        throw err;
      }
      throw new ArchiveError("app.error.archive_failed", { file: this.file, reason: String(err) });
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new ArchiveError("app.error.archive_missing", { file: this.file, status: response.status });
    }
    return response;
  }
}

/** Load the script beside the page that carries the archive, and return its bytes. */
export async function readBeside(
  script: string | null,
  root: string,
  take: () => string | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (script === null) {
    throw new ArchiveError("app.error.offline_missing");
  }
  const blocked = new ArchiveError("app.error.offline_blocked", { file: script });
  await new Promise<void>((resolve, reject) => {
    const element = document.createElement("script");
    element.src = root + script;
    element.onload = () => resolve();
    element.onerror = () => reject(blocked);
    document.head.append(element);
  });
  const encoded = take();
  if (encoded === undefined) {
    throw blocked;
  }
  return decodeBase64(encoded);
}

function takeTiles(): string | undefined {
  const encoded = globalThis.hexsealArchive;
  globalThis.hexsealArchive = undefined;
  return encoded;
}

/** Return the bytes that a base64 text holds; at once where the browser can (since 2025). */
export function decodeBase64(encoded: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as typeof Uint8Array & {
    fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
  };
  if (native.fromBase64) {
    return native.fromBase64(encoded);
  }
  const packed = atob(encoded);
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place++) {
    bytes[place] = packed.charCodeAt(place);
  }
  return bytes;
}
