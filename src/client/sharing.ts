/**
 * Decrypted values for others than the key's owner: noise that hides the ciphertext's error, then
 * rounding that hides the digits of the noise.
 *
 * An exact result of CKKS is message + error, and the error, with the ciphertext, gives the key away
 * (Li, Micciancio, EUROCRYPT 2021). A Gaussian of deviation σ added to a result makes two errors of at
 * most t hard to tell apart: over τ results of n values an adversary's advantage is that of
 * s = 2 log2(σ / (t √(12 τ n))) bits (Li, Micciancio, Schultz, Sorrell, CRYPTO 2022). Here σ is as
 * large as the asked bits leave room for, and s is stated with the result.
 *
 * The noise protects a result that is already decrypted; it is no part of an encryption, whose
 * sampling is SEAL's alone. It comes from Web Crypto.
 */
import { CipherloomError } from '../errors.ts';
import type { ClientOutput } from '../layout/client-plan.ts';
import { elementCount } from '../layout/layout.ts';
import type { Tensor } from './postprocess.ts';

/** Counts the shared results of one secret key, durably. */
export interface SharingCounter {
  /** Count one more; resolves, when that is stored for good, to how many there are now. */
  increment(): Promise<number>;
}

export interface SharingOptions {
  /** Of the secret key in use: it must outlive every copy of the key. */
  readonly counter: SharingCounter;
  /** Results of one key that are shared at most, on which `statisticalBits` depends; 128. */
  readonly maxShared?: number;
  /** Least `statisticalBits`; what offers less is refused. */
  readonly minStatisticalBits?: number;
  /** Images that were encrypted; a result of another number is refused. */
  readonly images?: number;
}

/** How a result was made fit for others. */
export interface SharingTerms {
  /** Values are multiples of it, a power of two; the finishing steps of the plan come after. */
  readonly step: number;
  /** Predicted error that 2^-40 of results exceed at most, for inputs like those of calibration. */
  readonly errorBound: number;
  /** Of the added noise. */
  readonly deviation: number;
  /** s above; below 0 the bound says nothing, and rounding is what there is. */
  readonly statisticalBits: number;
}

export interface SharedResult {
  readonly outputs: Readonly<Record<string, Tensor & SharingTerms>>;
  /** Results of this key that were shared so far, with this one. */
  readonly shared: number;
}

const defaultMaxShared = 128;

/**
 * `precisionBits` holds but for 2^-20. The tails of rescales are Laplace's, where the distance for
 * 2^-40 of N/2 slots is at most (40 ln 2 + ln 2^10) / (20 ln 2 + ln 2^10) = 1.67 times that for 2^-20;
 * for normal tails it is 1.3 times.
 */
const rareErrorFactor = 1.67;

/** Standard deviations that no value of 2^16 exceeds but with a chance of 2^-40. */
const noiseReach = 8.5;

/**
 * What `bits` bits of an output cost.
 *
 * The error and the noise together stay within step / 4, so that a value whose exact result lies that
 * near to a multiple of the step is always rounded to it, whatever the error.
 *
 * Throws SHARING_REFUSED with the bits that can be had
 */
export function sharingTerms(
  output: ClientOutput,
  request: SharingOptions & {
    readonly precisionBits: number;
    readonly bits: number;
    readonly images: number;
  },
): SharingTerms {
  const { bits, precisionBits, images, maxShared = defaultMaxShared } = request;
  if (!Number.isInteger(bits) || bits < 1 || bits > 52) {
    refuse(`bits is ${bits}, not an integer from 1 to 52`, output.name, { bits });
  }
  requireCount(maxShared);
  const boundBits = Math.ceil(Math.log2(Math.max(output.bound, 2 ** -20)));
  const errorBound = rareErrorFactor * output.bound * 2 ** -precisionBits;
  const step = 2 ** (boundBits - bits);
  if (!(errorBound <= step / 4)) {
    const most = Math.floor(boundBits - 2 - Math.log2(errorBound));
    refuse(
      `output ${JSON.stringify(output.name)}: ${bits} bits make steps of ${step}, but the predicted error of ${errorBound.toPrecision(3)} is more than a quarter of that`,
      output.name,
      { bits, step, errorBound, mostBits: most },
      most < 1
        ? 'compile with a larger --precision-bits'
        : `share at most ${most} bits, or compile with a larger --precision-bits`,
    );
  }
  const deviation = (step / 4 - errorBound) / noiseReach;
  const values = images * elementCount(output.shape);
  const statisticalBits =
    2 * Math.log2(deviation / (errorBound * Math.sqrt(12 * maxShared * values)));
  const { minStatisticalBits } = request;
  if (minStatisticalBits !== undefined && !(statisticalBits >= minStatisticalBits)) {
    refuse(
      `output ${JSON.stringify(output.name)}: ${bits} bits leave room for noise of ${statisticalBits.toFixed(1)} statistical bits, ${minStatisticalBits} are asked for`,
      output.name,
      { bits, statisticalBits, minStatisticalBits, maxShared, values },
      'share fewer bits, fewer results of one key (maxShared), or compile with a larger --precision-bits',
    );
  }
  return { step, errorBound, deviation, statisticalBits };
}

/** Count a result of the key. Throws SHARING_REFUSED when it had enough. */
export async function countShared({
  counter,
  maxShared = defaultMaxShared,
}: SharingOptions): Promise<number> {
  const shared = await counter.increment();
  if (shared <= maxShared) return shared;
  throw new CipherloomError(
    'SHARING_REFUSED',
    `${maxShared} results of this secret key were shared; more would tell too much of it`,
    {
      phase: 'client',
      details: { shared: shared - 1, maxShared },
      hint: 'make new keys',
    },
  );
}

/** Add the noise and round. */
export function shareValues(values: Float64Array, { step, deviation }: SharingTerms): Float64Array {
  const noise = normals(values.length);
  // Adding 0 turns −0, which would tell on which side of zero a value was, into 0.
  return values.map((value, i) => step * Math.round((value + deviation * noise[i]!) / step) + 0);
}

/** A counter that ends with the process: for a secret key that does too, and was never exported. */
export function sharingCounterInMemory(): SharingCounter {
  let count = 0;
  return { increment: () => Promise.resolve(++count) };
}

/**
 * Normal deviates from Web Crypto, of 53-bit uniforms: none is beyond 8.6, which a normal one would be
 * with a chance of 2^-56. The low digits of such a deviate say how it was made; rounding removes them.
 *
 * Source  Box, Muller, Annals of Mathematical Statistics 29 (1958)
 */
function normals(count: number): Float64Array {
  const result = new Float64Array(count);
  const words = new Uint32Array(4);
  for (let i = 0; i < count; i += 2) {
    crypto.getRandomValues(words);
    const radius = Math.sqrt(-2 * Math.log(1 - uniform(words[0]!, words[1]!)));
    const angle = 2 * Math.PI * uniform(words[2]!, words[3]!);
    result[i] = radius * Math.cos(angle);
    if (i + 1 < count) result[i + 1] = radius * Math.sin(angle);
  }
  return result;
}

/** In [0, 1), of 53 bits. */
function uniform(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) * 2 ** -53;
}

function requireCount(maxShared: number): void {
  if (Number.isSafeInteger(maxShared) && maxShared >= 1) return;
  refuse(`maxShared is ${maxShared}, not an integer above 0`, undefined, { maxShared });
}

function refuse(
  message: string,
  node: string | undefined,
  details: Readonly<Record<string, unknown>>,
  hint?: string,
): never {
  throw new CipherloomError('SHARING_REFUSED', message, { phase: 'client', node, details, hint });
}
