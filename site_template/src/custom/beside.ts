// Files that a page opened without a server reads as scripts beside it.

import { ArchiveError } from "../map/archive.ts";

/** Load a script and return what it leaves behind; raises ArchiveError when it leaves nothing. */
export async function loadBeside<T>(address: string, take: () => T | undefined): Promise<T> {
  const failed = new ArchiveError("app.custom.error.file", { file: address, reason: "–" });
  await new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve();
    script.onerror = () => reject(failed);
    document.head.append(script);
    script.addEventListener("load", () => script.remove());
  });
  const left = take();
  if (left === undefined) {
    throw failed;
  }
  return left;
}
