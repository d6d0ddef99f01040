/** The ways in which the images of an execution may share its ciphertexts, each a set of layouts to search. */
import { CipherloomError } from '../../errors.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import type { Layout } from '../../layout/layout.ts';
import type { PassContext } from '../define-pass.ts';
import { isEnabled } from '../optimisations.ts';
import type { CompileOptions } from '../options.ts';
import { batchLayout, inputCandidates, outputCandidates } from './candidates.ts';
import type { Candidate } from './candidates.ts';

/** Layouts among which a search chooses, those of one image. */
export interface Space {
  /** Slots of a ciphertext that one image has. */
  readonly slots: number;
  inputs(shape: readonly number[], first: LinearMap | null): readonly Candidate[];
  outputs(
    shape: readonly number[],
    maps: readonly LinearMap[],
    inputs: readonly Layout[],
    valid: (layout: Layout) => boolean,
  ): readonly Candidate[];
  /** A chosen layout with the other images of the batch. */
  withBatch(candidate: Candidate): Candidate;
}

/**
 * Times as many slots between the elements of an image as its batch needs: fewer slots an image hold
 * fewer copies of it, and some maps take fewer rotations then.
 */
const spreads = [1, 8];

/** Images one execution holds: --batch, or every slot for throughput. */
export function batchOf({ options, ringDegree }: PassContext): number {
  const slots = ringDegree / 2;
  const { batch, objective, packing } = options;
  const images = batch ?? (objective === 'throughput' && packing !== 'image' ? slots : 1);
  if (images > slots) {
    throw new CipherloomError(
      'PARAMETERS_INFEASIBLE',
      `a batch of ${images} needs more than the ${slots} slots of ring degree ${ringDegree}`,
      {
        phase: 'packed',
        details: { batch: images, slots },
        hint: `--batch ${slots}, or --ring-degree ${ringDegree * 2}`,
      },
    );
  }
  return images;
}

/**
 * The spaces that a packing names; for `auto` all that hold the batch.
 *
 * Throws PARAMETERS_INVALID where the packing cannot hold it
 */
export function spacesOf(context: PassContext, batch: number): readonly Space[] {
  const { options, ringDegree } = context;
  const slots = ringDegree / 2;
  const { packing } = options;
  if (packing === 'image' && batch > 1) {
    throw new CipherloomError(
      'PARAMETERS_INVALID',
      `--packing image holds one image an execution, --batch asks for ${batch}`,
      { phase: 'packed', details: { packing, batch }, hint: '--packing interleaved' },
    );
  }
  const everyNth = nextPowerOfTwo(batch);
  const fits = everyNth < slots;
  if (packing === 'interleaved' && !fits) {
    throw new CipherloomError(
      'PARAMETERS_INVALID',
      `--packing interleaved leaves each of ${batch} images one slot of ${slots}`,
      {
        phase: 'packed',
        details: { packing, batch, slots },
        hint: `--packing feature-major, or --batch ${slots / 2}`,
      },
    );
  }
  const spaces: Space[] = [];
  const spread = packing === 'image' ? [1] : spreads;
  if (packing !== 'feature-major') {
    for (const gap of spread.map((factor) => everyNth * factor)) {
      if (gap < slots) spaces.push(interleavedSpace(options, slots, batch, gap));
    }
  }
  if (packing === 'feature-major' || (packing === 'auto' && batch > 1)) {
    spaces.push(featureMajorSpace(slots, batch));
  }
  return spaces;
}

const nextPowerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n));

/**
 * Every layout of one image in a ring `everyNth` times smaller, stretched: image b stands in the
 * slots b, b + everyNth, b + 2 everyNth … A rotation by `everyNth` times as much moves all images as
 * one is moved in the smaller ring, so that nothing else changes. One image has all slots.
 */
function interleavedSpace(
  options: CompileOptions,
  slots: number,
  batch: number,
  everyNth: number,
): Space {
  const own = slots / everyNth;
  const patches = isEnabled(options, 'client-patches');
  return {
    slots: own,
    inputs: (shape, first) => inputCandidates(shape, own, patches ? first : null),
    outputs(shape, maps, inputs, valid) {
      const all = outputCandidates(shape, own, maps, inputs, valid);
      const { linearMethod } = options;
      if (linearMethod === 'auto') return all;
      const kept = all.filter(
        ({ fold }) => (fold !== null) === (linearMethod === 'rotate-and-sum'),
      );
      // A layer without room for partial sums has diagonals only.
      return kept.length === 0 ? all : kept;
    },
    withBatch: ({ name, layout, fold }) => ({
      name,
      layout: stretched(layout, everyNth, batch),
      fold: fold === null ? null : { step: fold.step * everyNth, count: fold.count },
    }),
  };
}

/** A layout of one image with `batch` images interleaved in `everyNth` times as many slots. */
export function stretched(layout: Layout, everyNth: number, batch: number): Layout {
  if (everyNth === 1) return layout;
  const digits = layout.digits.map((digit) =>
    digit.place === 'slot' ? { ...digit, stride: digit.stride * everyNth } : digit,
  );
  return {
    ...layout,
    slots: layout.slots * everyNth,
    digits: [...digits, { of: 'batch', size: batch, step: 1, place: 'slot', stride: 1 }],
  };
}

/** A ciphertext for each number of an image, one image a slot (CryptoNets): nothing is rotated. */
function featureMajorSpace(slots: number, batch: number): Space {
  const only = (shape: readonly number[]): readonly Candidate[] => [
    {
      name: 'one feature a ciphertext, images in the slots',
      layout: batchLayout(shape, slots, batch),
      fold: null,
    },
  ];
  return { slots, inputs: only, outputs: only, withBatch: (candidate) => candidate };
}
