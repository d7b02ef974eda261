// The script of readers: loaded by the dashboard when the first file is opened (custom/opener.ts).

import { readFile, readText } from "./custom/readers.ts";

globalThis.hexsealReaders = { readFile, readText };
