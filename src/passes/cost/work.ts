/**
 * Work of an RNS evaluator, counted in the kernels that take its time.
 *
 * One list serves both evaluators: what differs is how many of each they need for an operation, and
 * the seconds of each (`profile.ts`).
 */

/** The kernels, each with its unit. N is the ring degree; a residue is N numbers modulo one prime. */
export const kernels = {
  /** Residues transformed, times N log2 N. */
  transform: 'a number-theoretic transform, per N log2 N',
  /** Residues of digits times N, each with both halves of a key. */
  keyProduct: 'a residue of a digit times both halves of a key, per number',
  /** Residues of a factor times N, each with both polynomials of a ciphertext. */
  product: 'a residue times both polynomials of a ciphertext, per number',
  /** Pairs of primes between which numbers are converted, times N. */
  convert: 'conversion from one prime to another, per number',
  /** Residues read and written once, times N. */
  touch: 'sums, copies and scaling, per number',
  /** Slots embedded into a polynomial: N log2 N. */
  embed: 'the embedding of one plaintext, per N log2 N',
  /** Multiply-adds of products with a matrix of weights; one modulo a small prime counts less. */
  matrix: 'a multiply-add with a weight',
  /** Numbers of an input drawn from its seed, and as many read. */
  expand: 'a number of an input drawn from its seed',
  /** Numbers of a key drawn from its seed, as many read, and both put in order. */
  loadKey: 'a number of a key drawn from its seed',
  /** Operations on single ciphertexts, whatever their size. */
  step: 'an operation on a ciphertext, of any size',
} as const;

export type Kernel = keyof typeof kernels;

export type Work = Readonly<Record<Kernel, number>>;

const none: Work = {
  transform: 0,
  keyProduct: 0,
  product: 0,
  convert: 0,
  touch: 0,
  embed: 0,
  matrix: 0,
  expand: 0,
  loadKey: 0,
  step: 0,
};

export const kernelNames = Object.keys(none) as readonly Kernel[];

/** Work of the kernels that are named; none of the others. */
export function work(parts: Partial<Work> = {}): Work {
  return { ...none, ...parts };
}

/** All of it together, each part so many times. */
export function sumOfWork(parts: readonly (readonly [times: number, part: Work])[]): Work {
  const sum: Record<Kernel, number> = { ...none };
  for (const [times, part] of parts) {
    if (times === 0) continue;
    for (const kernel of kernelNames) sum[kernel] += times * part[kernel];
  }
  return sum;
}

/** Modelled seconds of work, by the seconds of each kernel. */
export function secondsOf(done: Work, seconds: Work): number {
  return kernelNames.reduce((sum, kernel) => sum + done[kernel] * seconds[kernel], 0);
}
