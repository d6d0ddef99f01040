/** How many images of a batch one execution holds, in which ring: that with which they are done soonest. */
import { programSeconds } from './backend/cost/program-seconds.ts';
import { prepareProgram } from './backend/execute/prepare-program.ts';
import { leastBytes, nativeMemory } from './backend/native/native-memory.ts';
import { CipherloomError } from './errors.ts';
import { ciphertextOf } from './ir/ckks/values.ts';
import { operationOf } from './ir/program.ts';
import type { Program } from './ir/program.ts';
import { batchSize } from './layout/layout.ts';
import { largestRingDegree, ringDegrees } from './layout/security.ts';
import { keptConstantBytes, profileOf } from './passes/cost/profile.ts';
import type { CompileOptions } from './passes/options.ts';
import { sharedLevels } from './passes/params/shared-rescales.ts';
import { WorkExceeded } from './passes/work-budget.ts';

/** Where smaller executions take so many times as long as the best, those below them are tried from one image up. */
const hopeless = 1.5;
/** A smaller execution is taken for a gain, not for a tie. */
const worthIt = 0.97;
/** A ring of half the slots holds half of a batch that fills it. */
const leastFull = 2048;
/** Times fewer images from one try to the next: layouts differ by powers of two. */
const fewer = 8;

interface Try<T> {
  readonly lowered: T;
  /** Modelled, of all images of the batch. */
  readonly seconds: number;
  /** Whether an evaluator can hold it, keeping no constants. */
  readonly fits: boolean;
}

/** What a try differs in from the options that were given. */
export type Share = Pick<CompileOptions, 'batch' | 'ringDegree'>;

/**
 * Lower a model for a batch, or for executions of a part of it, one after the other.
 *
 * `lower` is called with the numbers of images to try, the whole batch (null: as many as there are
 * slots) first. Where every slot takes an image, larger rings are tried too as long as rescales are not
 * shared: they have room for the primes of that. Executions that the memory budget does not hold lose
 * to those it does. Few images have layouts with copies of them, many have a slot each, and what lies
 * between is the dearest: both ends are tried, each as long as it may lead to something. Bounded: at
 * most ten tries. Throws what `lower` throws for the whole batch.
 */
export async function shareBatch<T extends { readonly program: Program }>(
  options: CompileOptions,
  lower: (share: Share) => T,
): Promise<T> {
  const { ringDegree } = options;
  const whole = lower({ batch: options.batch, ringDegree });
  const images = options.batch ?? batchOfProgram(whole.program);
  let best = await price(whole, images, options);
  for (const larger of largerRings(options, whole.program)) {
    if (!mightShareRescales(best.lowered.program)) break;
    const found = await tried(() => lower({ batch: null, ringDegree: larger }), images, options);
    if (found === null || !found.fits || found.seconds >= worthIt * best.seconds) break;
    best = found;
  }
  const parts = partsOf(images);
  /** Tries executions of so many images; whether those of the next number might still be better. */
  const take = async (batch: number, mayLead: (found: Try<T>) => boolean): Promise<boolean> => {
    const found = await tried(() => lower({ batch, ringDegree }), images, options);
    if (found === null) return false;
    const isBetter = found.fits && (!best.fits || found.seconds < worthIt * best.seconds);
    if (isBetter) best = found;
    return isBetter || !best.fits || mayLead(found);
  };
  let next = 0;
  const fewerMayLead = ({ seconds }: Try<T>): boolean => seconds <= hopeless * best.seconds;
  while (next < parts.length && (await take(parts[next++] ?? 1, fewerMayLead)));
  // More images take no less time an execution, so no less than their share of it an image.
  const moreMayLead = ({ seconds }: Try<T>): boolean => seconds < fewer * best.seconds;
  let last = parts.length - 1;
  while (last >= next && (await take(parts[last--] ?? 1, moreMayLead)));
  return best.lowered;
}

/** The price of a try; null for one with too little precision left, or without work. */
async function tried<T extends { readonly program: Program }>(
  make: () => T,
  images: number,
  options: CompileOptions,
): Promise<Try<T> | null> {
  try {
    return await price(make(), images, options);
  } catch (error) {
    if (error instanceof CipherloomError || error instanceof WorkExceeded) return null;
    throw error;
  }
}

/** Rings larger than that of a program whose slots all hold an image, where nobody chose one. */
function largerRings({ batch, ringDegree }: CompileOptions, { modulus }: Program): number[] {
  if (batch !== null || ringDegree !== null) return [];
  return ringDegrees.filter((n) => n > (modulus?.ringDegree ?? n) && n <= largestRingDegree);
}

/** Whether products of ciphertexts are rescaled alone, so that another chain might serve linear maps too. */
function mightShareRescales(program: Program): boolean {
  return (
    sharedLevels(program).levels.size === 0 &&
    program.operations.some(({ op }) => op === 'ckks.square' || op === 'ckks.multiply')
  );
}

function partsOf(images: number): number[] {
  const full = 2 ** Math.ceil(Math.log2(images));
  const parts = full / 2 >= leastFull ? [full / 2] : [];
  for (let part = full / fewer; part >= 1; part /= fewer) parts.push(part);
  return parts;
}

function batchOfProgram(program: Program): number {
  return Math.max(
    1,
    ...program.outputs.map(({ value }) =>
      batchSize(ciphertextOf(operationOf(program, value).type).layout),
    ),
  );
}

async function price<T extends { readonly program: Program }>(
  lowered: T,
  images: number,
  options: CompileOptions,
): Promise<Try<T>> {
  const { program } = lowered;
  const prepared = prepareProgram(program);
  const least = leastBytes(nativeMemory(prepared));
  const { native, seal } = await programSeconds(prepared, keptConstantBytes(options, least));
  const { run } = options.target === 'native' ? native : (seal ?? native);
  const held = batchOfProgram(program);
  // Without a batch there are as many images as anybody sends.
  const executions = options.batch === null ? images / held : Math.ceil(images / held);
  const { memoryBytes } = profileOf(options);
  return { lowered, seconds: executions * run, fits: least <= memoryBytes };
}
