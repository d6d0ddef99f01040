/** Where the time of a network goes: samples of a profiler, by what the evaluator was doing. */

export interface Share {
  readonly activity: string;
  /** Of all samples of the evaluator, from 0 to 1. */
  readonly share: number;
}

export interface NetworkProfile {
  readonly network: string;
  readonly samples: number;
  readonly shares: readonly Share[];
}

/**
 * The first pattern that a symbol matches names the activity. Symbols are the mangled ones: they
 * carry the path of the closure that a kernel runs, where the demangled ones do not.
 */
const activities: readonly (readonly [string, RegExp])[] = [
  ['encoding of plaintexts', /6encode|7encoder|3fft|9plaintext|10plaintexts|9diagonals/],
  ['number-theoretic transforms', /3ntt/],
  ['products with keys', /11key_product/],
  ['products with encoded constants', /15packed_products|13inner_product/],
  ['automorphisms', /6galois|12automorphism/],
  ['products and sums of polynomials', /11elementwise|6matrix|4rows/],
  ['key switching, other than the above', /10key_switch|6rotate|8extended/],
  ['reading and writing of ciphertexts', /6serial|7uniform|blake2|sha2|6packed/],
  ['memory: copies, clearing, pages', /mem(cpy|move|set)|page|clear_|_?mmap|munmap|madvise|fault/],
];

/**
 * Group lines "SAMPLES SYMBOL", as `perf report -F sample,symbol` prints them without demangling.
 *
 * Lines of another form are headings and are left out.
 */
export function profileOf(network: string, report: string): NetworkProfile {
  const samplesOf = new Map<string, number>();
  let samples = 0;
  for (const line of report.split('\n')) {
    const [, count, symbol] = /^\s*(\d+)\s+(?:\[[.k]\]\s+)?(\S+)\s*$/.exec(line) ?? [];
    if (count === undefined || symbol === undefined) continue;
    const [activity] = activities.find(([, pattern]) => pattern.test(symbol)) ?? ['other'];
    samplesOf.set(activity, (samplesOf.get(activity) ?? 0) + Number(count));
    samples += Number(count);
  }
  const shares = Array.from(samplesOf, ([activity, count]) => ({
    activity,
    share: count / samples,
  })).sort((a, b) => b.share - a.share);
  return { network, samples, shares };
}
