// The interval of an area that is a sum of hexagons, by the build's own formula and noise levels
// (hexseal/statistics/adjusted.py): errors of pixels add up at random, those of the slope all alike.

/** The noise of units of about `pixels` counted pixels. */
export interface NoiseLevel {
  pixels: number;
  rate: number;
  shape: number;
  design: number;
}

/** What a pair of years needs for an interval (hexseal/pages/noise.py); all counts are pixels. */
export interface PairNoise {
  slope: number;
  slope_sd: number;
  bias_sd: number;
  levels: NoiseLevel[];
  /** Of the whole region, for what hexagons do not carry: part of raw gains and losses left by the filters. */
  gain_kept: number;
  loss_kept: number;
  /** Sealed edge pixels per sealed pixel, of the first and the second year. */
  edges_before: number;
  edges_after: number;
  /** Pixels of confirmed patches per confirmed pixel, and the variance that each brings. */
  confirmed_whole: number;
  confirmed_design: number;
  /** Parts of gain and loss in whole fields, which may be change or not. */
  field_gain: number;
  field_loss: number;
  /** The region's unexplained net, and its sealed edge pixels. */
  excess: number;
  edges: number;
  /** Sealed pixels of the first year in the whole region. */
  sealed_before: number;
  /** The maps cannot support a figure. */
  is_inconclusive: boolean;
  /** A shape is inconclusive where more of it than this lies in hexagons that are. */
  most_doubtful: number;
}

/** What was counted in an area, in pixels; `net` is the adjusted one. */
export interface AreaCounts {
  pixels: number;
  gain: number;
  loss: number;
  confirmed: number;
  sealedBefore: number;
  sealedAfter: number;
  net: number;
}

export interface Interval {
  low: number;
  high: number;
  isSignal: boolean;
}

const NORMAL_95 = 1.959_963_984_540_054;
const TAIL = 0.975;
const HALF_PIXEL = 0.5;

/** Return the noise interval of the adjusted net in pixels, and whether it lies off 0. */
export function intervalOf(counts: AreaCounts, noise: PairNoise): Interval {
  const level = levelFor(noise.levels, counts.pixels);
  const gain = counts.gain * noise.gain_kept;
  const loss = counts.loss * noise.loss_kept;
  const confirmed = counts.confirmed * noise.confirmed_whole;
  const [fieldGain, fieldLoss] = [gain * noise.field_gain, loss * noise.field_loss];
  const unconfirmed = Math.max(0, gain - confirmed - fieldGain) + Math.max(0, loss - fieldLoss);
  const edges = noise.edges_before * counts.sealedBefore + noise.edges_after * counts.sealedAfter;
  const expected = level.rate * edges;
  const drawn =
    expected > 0
      ? (level.shape + unconfirmed) / (level.shape / expected + 1)
      : unconfirmed;
  const variance = level.design * drawn + noise.confirmed_design * confirmed;
  const part = noise.sealed_before > 0 ? counts.sealedBefore / noise.sealed_before : 0;
  const known = ((noise.slope_sd / noise.slope) * confirmed) ** 2 + (noise.bias_sd * part) ** 2;
  const freedom = 2 * (level.shape + unconfirmed);
  const rounding = variance + known > 0 ? HALF_PIXEL : 0;
  const half =
    Math.sqrt(studentQuantile(TAIL, freedom) ** 2 * variance + NORMAL_95 ** 2 * known) + rounding;
  // What is unexplained may be noise or change: the net is the middle of both readings.
  const readings = noise.edges > 0 ? Math.abs((noise.excess * edges) / noise.edges) / 2 : 0;
  const low = counts.net - (half + readings + fieldLoss) / noise.slope;
  const high = counts.net + (half + readings + fieldGain) / noise.slope;
  return { low, high, isSignal: low > 0 || high < 0 };
}

/** Return the noise of units of the nearest size, by the ratio of sizes. */
export function levelFor(levels: NoiseLevel[], pixels: number): NoiseLevel {
  const away = (level: NoiseLevel) => Math.abs(Math.log(Math.max(pixels, 1) / level.pixels));
  const [nearest] = [...levels].sort((one, other) => away(one) - away(other));
  return nearest ?? { pixels: 1, rate: 0, shape: 1, design: 1 };
}

/** Return the value below which a part of Student's t distribution lies; halves intervals. */
export function studentQuantile(part: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentProbability(high, freedom) < part) {
    high *= 2;
  }
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (studentProbability(middle, freedom) < part) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (low + high) / 2;
}

/** Return the part of Student's t distribution below a value of 0 or more. */
export function studentProbability(value: number, freedom: number): number {
  const x = freedom / (freedom + value * value);
  return 1 - incompleteBeta(x, freedom / 2, 0.5) / 2;
}

/** The regularised incomplete beta function by Lentz's continued fraction (DLMF 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1;
  }
  if (x > (a + 1) / (a + b + 2)) {
    return 1 - incompleteBeta(1 - x, b, a);
  }
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  const tiny = 1e-300;
  let [fraction, c, d] = [1, 1, 0];
  for (let step = 0; step < 500; step++) {
    const half = step >> 1;
    const term =
      step === 0
        ? 1
        : step % 2 === 0
          ? (half * (b - half) * x) / ((a + 2 * half - 1) * (a + 2 * half))
          : (-(a + half) * (a + b + half) * x) / ((a + 2 * half) * (a + 2 * half + 1));
    d = 1 + term * d;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    c = 1 + term / c;
    c = Math.abs(c) < tiny ? tiny : c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-13) {
      break;
    }
  }
  return (front * (fraction - 1)) / a;
}

/** Lanczos' approximation (g = 7, nine terms). */
function logGamma(value: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
  ];
  const x = value - 1;
  const sum = terms.reduce((all, term, place) => all + (place === 0 ? term : term / (x + place)), 0);
  const t = x + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(sum);
}
