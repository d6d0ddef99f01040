/**
 * Modelled seconds of operations, for the search for a plan.
 *
 * A profile is a committed list of constants, never a measurement of the machine at hand, so that
 * the same model gives the same plan everywhere. `npm run bench -- --profile-out FILE` measures one.
 */
import type { CompileOptions } from '../options.ts';
import measured from './profiles.json' with { type: 'json' };
import { nativeKeptBytes } from './kept-bytes.ts';
import { batchMapWork, linearMapWork } from './linear-work.ts';
import type { Evaluator, LinearCounts } from './linear-work.ts';
import {
  encoding,
  extendedResidues,
  keySwitch,
  products,
  reading,
  rescaling,
  touches,
} from './operation-work.ts';
import type { RingSize } from './operation-work.ts';
import { secondsOf, sumOfWork } from './work.ts';
import type { Work } from './work.ts';

export interface Profile {
  /** Whose operations the kernels are counted in. */
  readonly kind: Evaluator;
  /** The evaluator in words. */
  readonly evaluator: string;
  /** Seconds of each kernel. */
  readonly seconds: Work;
  /** Most bytes of encoded constants that stay from one execution to the next. */
  readonly keptBytes: number;
  /** Memory that a plan may count on where no budget is given. */
  readonly memoryBytes: number;
}

export const profiles: Readonly<Record<Evaluator, Profile>> = {
  seal: {
    kind: 'seal',
    evaluator: 'SEAL in WebAssembly on one core',
    seconds: measured.seal,
    keptBytes: 512_000_000,
    memoryBytes: 4_000_000_000,
  },
  native: {
    kind: 'native',
    evaluator: 'the native evaluator on one core',
    seconds: measured.native,
    keptBytes: nativeKeptBytes,
    memoryBytes: 12_000_000_000,
  },
};

/** The profile of the evaluator that a plan is chosen for, with the memory that it may take. */
export function profileOf({
  target,
  maxMemoryBytes,
}: Pick<CompileOptions, 'target' | 'maxMemoryBytes'>): Profile {
  const profile = target === 'native' ? profiles.native : profiles.seal;
  if (maxMemoryBytes === null) return profile;
  const keptBytes = target === 'native' ? maxMemoryBytes : profile.keptBytes;
  return { ...profile, keptBytes, memoryBytes: maxMemoryBytes };
}

/**
 * Bytes of encoded constants that the native evaluator keeps beside the `leastBytes` of a plan: what
 * is left of a budget, else a fixed share.
 */
export function keptConstantBytes(
  { maxMemoryBytes }: Pick<CompileOptions, 'maxMemoryBytes'>,
  leastBytes: number,
): number {
  if (maxMemoryBytes === null) return profiles.native.keptBytes;
  return Math.max(0, maxMemoryBytes - leastBytes);
}

/** The plaintexts of a linear map, which an evaluator keeps encoded as far as its memory goes. */
export interface EncodedConstants {
  readonly bytes: number;
  /** To encode all of them. */
  readonly seconds: number;
}

export const noConstants: EncodedConstants = { bytes: 0, seconds: 0 };

/**
 * Seconds an execution takes for those constants that are not kept, beside the `keptBytes` of earlier
 * ones: they are encoded every time.
 */
export function encodingSeconds(
  { bytes, seconds }: EncodedConstants,
  earlierBytes: number,
  { keptBytes }: Pick<Profile, 'keptBytes'>,
): number {
  if (bytes === 0) return 0;
  const kept = Math.min(bytes, Math.max(0, keptBytes - earlierBytes));
  return (1 - kept / bytes) * (1 - 1 / executionsOfSession) * seconds;
}

/** Modelled seconds of the operations on values of one size. */
export interface OperationSeconds {
  readonly rotate: number;
  readonly relinearize: number;
  readonly encode: number;
  readonly multiplyPlain: number;
  /** Of a product with a number that is added to others, in a batch layout. */
  readonly multiplyScalar: number;
  readonly add: number;
  readonly square: number;
  readonly multiply: number;
  readonly rescale: number;
  /** Per ciphertext of an input: encoded and sent by the client, weighed, and read by the evaluator. */
  readonly upload: number;
  /** Of a linear map that rotates, with its constants kept. */
  linear(counts: LinearCounts): { readonly seconds: number; readonly constants: EncodedConstants };
}

/** A connection of 400 Mbit/s: what a layout is worth that sends less. */
const uploadByteSeconds = 2e-8;

/** One execution in so many is the first of its session and encodes the constants that are kept. */
const executionsOfSession = 50;

/** Modelled seconds of a rotation or relinearisation of a ciphertext of `primes` data primes. */
export function keySwitchSeconds(
  { seconds }: Profile,
  ringDegree: number,
  primes: number,
  specialPrimes: number,
): number {
  return secondsOf(keySwitch({ ringDegree, primes, specialPrimes }), seconds);
}

export function operationSeconds(
  { kind, seconds }: Profile,
  ringDegree: number,
  primes: number,
  specialPrimes = 1,
): OperationSeconds {
  const size: RingSize = { ringDegree, primes, specialPrimes };
  const of = (done: Work): number => secondsOf(done, seconds);
  const squared = sumOfWork([
    [1, products(size, 1.5 * primes)],
    [1, touches(size, primes)],
  ]);
  const multiplied = sumOfWork([
    [1, products(size, 2 * primes)],
    [1, touches(size, primes)],
  ]);
  const keySwitching = of(keySwitch(size));
  // A portable plan is priced in SEAL's seconds and runs natively wherever the addon is, in a fraction
  // of them; the connection is as slow beside either. So what is sent is weighed as it is there.
  const uploadWeight =
    keySwitching / keySwitchSeconds(profiles.native, ringDegree, primes, specialPrimes);
  const encode = of(encoding(size, primes));
  const multiplyPlain = of(products(size, primes));
  const add = of(touches(size, 2 * primes));
  // Their size is not known yet.
  const widePrimes = { narrow: 0, wide: primes };
  const linear = (counts: LinearCounts): ReturnType<OperationSeconds['linear']> => {
    const map = linearMapWork(kind, counts, size);
    const extended = kind === 'native' && counts.babies > 0;
    const bytes = ringDegree * 8 * (extended ? extendedResidues(size) : primes);
    const constants = { bytes: counts.diagonals * bytes, seconds: of(map.encode) };
    return { seconds: of(map.run) + constants.seconds / executionsOfSession, constants };
  };
  return {
    rotate: keySwitching,
    relinearize: keySwitching,
    encode,
    multiplyPlain,
    multiplyScalar: of(batchMapWork(kind, [{ columns: 1, rows: 8 }], 8, widePrimes, size)) / 8,
    add,
    square: of(squared),
    multiply: of(multiplied),
    rescale: of(rescaling(size)),
    upload:
      uploadWeight *
        (uploadByteSeconds * ringDegree * primes * 8 +
          secondsOf(encoding(size, primes), profiles.seal.seconds)) +
      of(reading(size)),
    linear,
  };
}
