/** A fixed sequence of pseudo-random numbers: the same on every machine. */

/**
 * Uniform numbers in [0, 1), 32 bits each.
 *
 * Source: splitmix32, the 32-bit form of Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014, with the finaliser of MurmurHash3.
 */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}
