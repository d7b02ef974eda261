// Texts and numbers in both languages, cells of CSV files, tiles of numbers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { readNumbers } from "../src/custom/png.ts";
import { zipEntries } from "../src/custom/zip.ts";
import { PALETTES } from "../src/map/palette.ts";
import { asText, quoted } from "../src/shared/csv.ts";
import { Text } from "../src/shared/text.ts";

const english = new Text("en", { hello: "Hello {name}, {again}", "app.interval": "{low} to {high}", "app.none": "n/a" });
const french = new Text("fr", {});

test("names in texts are filled in, unknown ones stay", () => {
  assert.equal(english.of("hello", { name: "you" }), "Hello you, {again}");
  assert.equal(english.of("no.such.key"), "no.such.key");
});

test("numbers have the signs of their language and a true minus", () => {
  assert.equal(english.number(-1234.5, 1), "−1,234.5");
  assert.equal(french.number(1234.5, 1), "1\u202f234,5");
  assert.equal(english.number(0, 0, true), "0");
  assert.equal(english.number(2, 0, true), "+2");
});

test("hectares have more decimals the smaller they are", () => {
  assert.equal(english.hectares(12_345), "1.23");
  assert.equal(english.hectares(1_234_500), "123.5");
  assert.equal(english.hectares(123_450_000), "12,345");
  assert.equal(english.interval(-10_000, 2_000_000), "−1.0 to +200.0");
  assert.equal(english.share(null), "n/a");
  assert.equal(english.cellArea(105_000), "0.11\u00a0km²");
});

test("no cell of a CSV file runs as a formula or breaks its row", () => {
  assert.deepEqual(["=1+1", "+x", "-x", "@x", "x"].map(asText), ["'=1+1", "'+x", "'-x", "'@x", "x"]);
  assert.deepEqual(["a", "a,b", 'a"b', "a\nb"].map(quoted), ["a", '"a,b"', '"a""b"', '"a\nb"']);
});

function chunk(kind: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length);
  head.write(kind, 4, "latin1");
  return Buffer.concat([head, content, Buffer.alloc(4)]);
}

function picture(rows: number[], width: number, height: number, bits = 8): ArrayBuffer {
  const size = Buffer.alloc(13);
  size.writeUInt8(bits, 8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  const png = Buffer.concat([Buffer.alloc(8), chunk("IHDR", size), chunk("IDAT", deflateSync(Buffer.from(rows)))]);
  return png.buffer.slice(png.byteOffset, png.byteOffset + png.length) as ArrayBuffer;
}

test("a tile of pixels is read as numbers, anything else is refused", async () => {
  const { width, height, rows } = await readNumbers(picture([0, 7, 8, 0, 9, 10], 2, 2));
  assert.deepEqual([width, height, rows[1], rows[5]], [2, 2, 7, 10]);
  const packed = await readNumbers(picture([0, 0x78, 0x90, 0, 0xab, 0xc0], 3, 2, 4));
  assert.deepEqual([...packed.rows], [0, 7, 8, 9, 0, 10, 11, 12]);
  await assert.rejects(readNumbers(picture([0, 7, 8], 2, 2)));
  await assert.rejects(readNumbers(picture([0, 7], 2, 1, 2)));
  await assert.rejects(readNumbers(picture([1, 7, 8], 2, 1)));
});

test("a file without a list of contents is no ZIP", () => {
  assert.throws(() => zipEntries(new ArrayBuffer(10)));
  const empty = Buffer.alloc(22);
  empty.writeUInt32LE(0x06054b50);
  assert.deepEqual(zipEntries(empty.buffer.slice(empty.byteOffset, empty.byteOffset + 22) as ArrayBuffer), []);
});

test("both themes have as many colours, all of them told apart", () => {
  for (const scale of ["share", "change", "confirmed"] as const) {
    const { light, dark } = PALETTES;
    assert.equal(light.ramps[scale].length, dark.ramps[scale].length);
    for (const { ramps } of [light, dark]) {
      assert.equal(new Set(ramps[scale]).size, ramps[scale].length);
      assert.ok(ramps[scale].every((color) => /^#[0-9a-f]{6}$/.test(color)));
    }
  }
});
