/** What the arguments of activations are on calibration data, and whether it is enough of them. */
import { interpret } from '../../ir/interpret.ts';
import type { Program, ValueId } from '../../ir/program.ts';
import { isElementFunction } from '../polynomial/element-functions.ts';
import { escapeProbability, leastMaxima } from './escape-probability.ts';
import type { Sample } from './samples.ts';
import { alsoSeen, nothingSeen, seenMagnitude } from './seen-range.ts';
import { valueSketch } from './value-sketch.ts';
import type { Distribution } from './value-sketch.ts';

/** How far fits reach beyond what is seen. */
const fitMargin = 1.25;
/** An image whose largest argument is so many times that of the image in the middle stands out. */
const outlierFactor = 4;

export interface ActivationDistribution {
  readonly node: string | null;
  readonly op: string;
  readonly distribution: Distribution;
  /** Largest magnitude on the first half of the images over that on all. */
  readonly halfOverAll: number;
  /** Predicted probability that an image exceeds 1.25 times the largest magnitude; null from few images. */
  readonly escape: number | null;
  /** Images, by place, whose largest magnitude is at least four times the median one. */
  readonly outliers: readonly number[];
}

/**
 * The distribution of the argument of each activation, over all images.
 *
 * Cost: a run of the network an image; memory of one image and of 32 KiB an activation.
 */
export function activationDistributions(
  program: Program,
  images: readonly Sample[],
  onImage: (done: number) => void = () => undefined,
): ActivationDistribution[] {
  const activations = program.operations.filter(isElementFunction);
  const watched = new Map<ValueId, { sketch: ReturnType<typeof valueSketch>; maxima: number[] }>();
  for (const { operands } of activations) {
    for (const operand of operands.slice(0, 1)) {
      watched.set(operand, { sketch: valueSketch(), maxima: [] });
    }
  }
  images.forEach((image, n) => {
    interpret(program, image(), {
      observe(id, _, value) {
        const own = watched.get(id);
        if (own === undefined || value.kind !== 'tensor') return;
        own.sketch.add(value.tensor.data);
        own.maxima.push(seenMagnitude(alsoSeen(nothingSeen, value)));
      },
    });
    onImage(n + 1);
  });
  return activations.flatMap(({ location, op, attributes, operands: [x = -1] }) => {
    const { sketch, maxima } = watched.get(x)!;
    const distribution = sketch.result();
    if (distribution === null) return [];
    const largest = Math.max(...maxima);
    const half = Math.max(...maxima.slice(0, Math.ceil(maxima.length / 2)));
    const middle = maxima.toSorted((a, b) => a - b)[Math.floor(maxima.length / 2)]!;
    const name = attributes['function'];
    return {
      node: location,
      op: typeof name === 'string' ? name : op,
      distribution,
      halfOverAll: largest === 0 ? 1 : half / largest,
      escape: escapeProbability(maxima, fitMargin * largest),
      outliers: maxima.flatMap((own, n) =>
        own >= outlierFactor * middle && middle > 0 ? [n] : [],
      ),
    };
  });
}

/** Images that ranges, and fits of activations, need. */
const [enoughForRanges, enoughForFits] = [32, 256];
/** A range that the second half of the images widens by more is not settled. */
const settledShare = 0.8;

/** Whether there is enough data, and why not. */
export function enoughData(
  distributions: readonly ActivationDistribution[],
  images: number,
): { readonly enough: boolean; readonly reasons: readonly string[] } {
  const needed = distributions.length === 0 ? enoughForRanges : enoughForFits;
  const reasons = [
    ...(images < needed
      ? [
          `${images} images: ${needed} or more are enough for ${distributions.length === 0 ? 'ranges' : 'the tails that fits of activations need'}`,
        ]
      : []),
    ...distributions
      .filter(({ halfOverAll }) => images >= leastMaxima && halfOverAll < settledShare)
      .map(
        ({ node, op, halfOverAll }) =>
          `${node ?? op}: the first half of the images shows ${Math.round(100 * halfOverAll)} % of the largest argument; more images will show larger ones`,
      ),
  ];
  return { enough: reasons.length === 0, reasons };
}
