// Long work in slices: the page stays awake in between, and what is damaged ends in time.

import { ShapeError } from "./errors.ts";

const SLICE_MS = 40;
/** One step over one shape takes milliseconds; only a damaged or hostile outline needs more. */
const LIMIT_MS = 8_000;
let lastTurn = 0;

/** Let the browser draw and listen where the last time was a slice ago. */
export async function breathe(): Promise<void> {
  if (performance.now() - lastTurn < SLICE_MS) {
    return;
  }
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  lastTurn = performance.now();
}

/** Return a check for loops: it raises ShapeError once `most` milliseconds have passed. */
export function timeLimit(most = LIMIT_MS, now = () => performance.now()): () => void {
  const end = now() + most;
  return () => {
    if (now() > end) {
      throw new ShapeError("app.custom.error.slow", { seconds: Math.round(most / 1000) });
    }
  };
}
