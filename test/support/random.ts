/** Deterministic random numbers for tests: the seed comes from fast-check or from the test. */

/** mulberry32: uniform in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` numbers, uniform in [lo, hi], that float32 holds exactly. */
export function randomValues(
  random: () => number,
  count: number,
  lo = -1,
  hi = 1,
): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: count }, () => Math.fround(lo + (hi - lo) * random()));
}

/** Normally distributed, of variance one (Box and Muller). */
export function normalNumber(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
