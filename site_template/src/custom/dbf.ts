// The table of a shapefile: its rows as text, in the encoding that the text itself fits. Every loop
// is bounded by the bytes that are there, so that a damaged table ends early and freezes nothing.

import { DOS_PAGES } from "./datums.ts";

/** Language driver byte, by code page (dBASE and ESRI's documentation of dBASE files). */
const LANGUAGES: Record<string, string> = {
  437: "01 09 0b 0d 0f 11 15 18 19 1b", 850: "02 0a 0e 10 12 14 16 1a 1d 25 37", 852: "1f 22 23 40 64 87",
  857: "6b 88", 860: "24", 861: "67", 863: "1c 6c", 865: "08 17 66", 866: "26 65", 737: "6a 86", 874: "50 7c",
  932: "13 7b", 936: "4d 7a", 949: "4e 79", 950: "4f 78", 1250: "c8", 1251: "c9", 1252: "03 57 58 59", 1253: "cb",
  1254: "ca", 1255: "7d", 1256: "7e", 1257: "cc",
};
const BROWSER_NAMES: Record<string, string> = {
  866: "ibm866", 874: "windows-874", 932: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5", 65001: "utf-8",
};
const USUAL = "1252";
const DOS = ["850", "852", "866"];
/** Share of characters beyond ASCII that must be letters for a code page to fit. */
const FITTING = 0.6;
const MOST_WORDS = 20_000;

/** Return one object per row; an unusable table gives none. */
export function readTable(bytes: Uint8Array, cpg: string): Record<string, string>[] {
  if (bytes.length < 33) {
    return [];
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [head, width] = [view.getUint16(8, true), view.getUint16(10, true)];
  const fields = fieldsIn(bytes, head);
  if (head < 33 || width < 2 || fields.length === 0) {
    return [];
  }
  const rows = Math.min(view.getUint32(4, true), Math.floor((bytes.length - head) / width));
  const decode = decoderOf(chooseCodec(accentedWords(bytes, 32), cpg, codecOfLanguage(bytes[29]!)));
  return Array.from({ length: rows }, (_, row) => {
    let place = head + row * width + 1;
    const values: Record<string, string> = {};
    for (const { name, length } of fields) {
      const content = bytes.subarray(place, Math.min(place + length, head + (row + 1) * width));
      values[decode(name)] = decode(content).replace(/\0.*$/s, "").trim();
      place += length;
    }
    return values;
  });
}

function fieldsIn(bytes: Uint8Array, head: number): { name: Uint8Array; length: number }[] {
  const fields = [];
  for (let place = 32; place + 32 <= Math.min(head, bytes.length) && bytes[place] !== 0x0d; place += 32) {
    const end = bytes.subarray(place, place + 11).indexOf(0);
    fields.push({ name: bytes.subarray(place, place + (end < 0 ? 11 : end)), length: bytes[place + 16]! });
  }
  return fields;
}

/** Choose a code page by the .cpg, the language byte, and above all the text. */
export function chooseCodec(words: Uint8Array[], cpg: string, language: string | null): string {
  const named = codecNamed(cpg);
  if (words.length === 0) {
    return named ?? language ?? USUAL;
  }
  if (words.every(isUtf8)) {
    return "65001";
  }
  if (named !== null && named !== "65001" && lettersIn(words, named) >= FITTING) {
    return named;
  }
  for (const codec of [language, USUAL]) {
    if (codec !== null && lettersIn(words, codec) >= FITTING) {
      return codec;
    }
  }
  const all = [language, USUAL, ...DOS].filter((codec) => codec !== null);
  return all.reduce((best, codec) => (lettersIn(words, codec) > lettersIn(words, best) ? codec : best));
}

/** Return the code page that a .cpg names, or null. */
function codecNamed(text: string): string | null {
  const short = text.replace(/[^\x20-\x7e]/g, "").trim().toLowerCase().replace(/^(ansi|oem|cp|windows|ibm|dos|x-)[\s_-]*/, "");
  if (/^(utf-?8|utf_8|65001)$/.test(short)) {
    return "65001";
  }
  const part = /^(?:iso[\s_-]*)?8859[\s_-]*(\d{1,2})$/.exec(short)?.[1];
  const codec = part === "1" || short === "latin1" ? USUAL : part === undefined ? short : `iso-8859-${part}`;
  return codec !== "" && decoderName(codec) !== null ? codec : null;
}

function codecOfLanguage(byte: number): string | null {
  const wanted = byte.toString(16).padStart(2, "0");
  return Object.keys(LANGUAGES).find((page) => LANGUAGES[page]!.split(" ").includes(wanted)) ?? null;
}

function decoderName(codec: string): string | null {
  const label = BROWSER_NAMES[codec] ?? (/^125\d$/.test(codec) ? `windows-${codec}` : codec);
  if (DOS_PAGES[codec] !== undefined) {
    return codec;
  }
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

function decoderOf(codec: string): (bytes: Uint8Array) => string {
  const page = DOS_PAGES[codec];
  if (page !== undefined) {
    return (bytes) => Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : page[byte - 128])).join("");
  }
  const decoder = new TextDecoder(decoderName(codec) ?? "windows-1252");
  // The width of a field may cut a character of UTF-8 in two.
  return (bytes) => decoder.decode(bytes).replace(/\ufffd+(?=\s*$)/, "");
}

function lettersIn(words: Uint8Array[], codec: string): number {
  const decode = decoderOf(codec);
  const beyond = words.flatMap((word) => [...decode(word)].filter((sign) => sign > "\x7f"));
  const good = beyond.filter((sign) => /[\p{L}’‘“”«»–—ªº°·…\u00a0]/u.test(sign));
  return beyond.length > 0 ? good.length / beyond.length : 1;
}

function isUtf8(word: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(word, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function accentedWords(bytes: Uint8Array, from: number): Uint8Array[] {
  const words: Uint8Array[] = [];
  let [start, isAccented] = [from, false];
  for (let place = from; place <= bytes.length && words.length < MOST_WORDS; place++) {
    const byte = bytes[place] ?? 0;
    if (byte === 0 || byte === 0x20 || byte === 0x1a) {
      if (isAccented) {
        words.push(bytes.subarray(start, place));
      }
      [start, isAccented] = [place + 1, false];
    } else if (byte > 127) {
      isAccented = true;
    }
  }
  return words;
}
