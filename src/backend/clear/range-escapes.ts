/**
 * How often values leave the ranges they were calibrated to, counted, and how often they will.
 *
 * A polynomial follows its activation inside its range only. The prediction takes the tail of what
 * was seen as exponential: the share above a high quantile, times e^(−distance / mean excess). It
 * sees a probability below one over the number of elements, which counting cannot.
 */
import { invariant } from '../../errors.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program, ValueId } from '../../ir/program.ts';
import { magnitude } from '../../ir/types.ts';
import type { Range } from '../../ir/types.ts';

/** Bins of the distance from the middle of the range, which is 1 at its ends; the last holds the rest. */
const bins = 4096;
const binsPerUnit = 1024;
/** Share of the elements that the tail is fitted to. */
const tailShare = 0.01;

export interface RangeEscape {
  /** Node of the model. */
  readonly node: string;
  readonly range: readonly [number, number];
  readonly elements: number;
  /** Elements outside of the range, and images that have some. */
  readonly escaped: number;
  readonly images: number;
  readonly escapedImages: number;
  /** Largest distance from the middle of the range, 1 at its ends. */
  readonly farthest: number;
  /** Probability that an element leaves the range, by the fitted tail. */
  readonly predicted: number;
}

/** The value that each activation takes, by its node: the operand that comes from another node. */
export function activationInputs(
  program: Program,
  nodes: Iterable<string | null>,
): Map<string, ValueId> {
  const inputs = new Map<string, ValueId>();
  const wanted = new Set(nodes);
  program.operations.forEach(({ location, operands }) => {
    if (location === null || !wanted.has(location) || inputs.has(location)) return;
    const input = operands.find((operand) => operationOf(program, operand).location !== location);
    if (input !== undefined) inputs.set(location, input);
  });
  return inputs;
}

/** The result of every node whose range comes from calibration, by node. */
export function calibratedResults(program: Program): Map<string, ValueId> {
  const results = new Map<string, ValueId>();
  program.operations.forEach(({ op, location, type }, id) => {
    if (type.kind !== 'ciphertext' || type.range?.source !== 'calibrated') return;
    // A level drop belongs to the node that asks for it.
    if (op !== 'ckks.level-drop') results.set(location ?? `%${id}`, id);
  });
  return results;
}

export interface EscapeCounter {
  /** Count the images of the node's input; returns which of them leave the range. */
  count(node: string, images: readonly Float64Array[]): boolean[];
  result(): RangeEscape[];
  /** The images, by their place in the order of counting, that leave any range. */
  escapedImages(): ReadonlySet<number>;
}

interface Tally {
  readonly range: Range;
  readonly histogram: Float64Array<ArrayBuffer>;
  escaped: number;
  images: number;
  escapedImages: number;
  farthest: number;
}

/**
 * Counts escapes of values, by node: from their range; or of their magnitude from that of the range,
 * beyond which a value wraps. (Noise alone takes a square below its proved 0.)
 */
export function countEscapes(
  program: Program,
  inputs: ReadonlyMap<string, ValueId>,
  from: 'range' | 'magnitude' = 'range',
): EscapeCounter {
  const tallies = new Map<string, Tally>();
  for (const [node, id] of inputs) {
    const { range: own } = ciphertextOf(operationOf(program, id).type);
    invariant(own !== null, 'check-ranges bounded every value');
    const most = magnitude(own);
    const range = from === 'range' ? own : { ...own, lo: -most, hi: most };
    const none = { escaped: 0, images: 0, escapedImages: 0, farthest: 0 };
    tallies.set(node, { range, histogram: new Float64Array(bins), ...none });
  }
  const left = new Set<number>();
  return {
    escapedImages: () => left,
    count(node, images) {
      const tally = tallies.get(node);
      invariant(tally !== undefined, 'the node is counted');
      const { lo, hi } = tally.range;
      const middle = (lo + hi) / 2;
      const half = Math.max((hi - lo) / 2, Number.MIN_VALUE);
      return images.map((image) => {
        let escaped = 0;
        for (const value of image) {
          const distance = Math.abs(value - middle) / half;
          if (distance > 1) escaped++;
          if (distance > tally.farthest) tally.farthest = distance;
          const bin = Math.min(bins - 1, Math.floor(distance * binsPerUnit));
          tally.histogram[bin]! += 1;
        }
        tally.escaped += escaped;
        if (escaped > 0) {
          tally.escapedImages++;
          left.add(tally.images);
        }
        tally.images++;
        return escaped > 0;
      });
    },
    result: () =>
      [...tallies].map(
        ([node, { range, histogram, escaped, images, escapedImages, farthest }]) => ({
          node,
          range: [range.lo, range.hi],
          elements: histogram.reduce((sum, count) => sum + count, 0),
          escaped,
          images,
          escapedImages,
          farthest,
          predicted: tailBeyondOne(histogram),
        }),
      ),
  };
}

/** Probability of a distance above 1, by an exponential tail fitted to the largest distances. */
function tailBeyondOne(histogram: Float64Array): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  let above = 0;
  let bin = bins;
  let weighted = 0;
  while (bin > 0 && above < tailShare * total) {
    bin--;
    above += histogram[bin]!;
    weighted += histogram[bin]! * (bin + 0.5);
  }
  const excess = weighted / above - bin;
  const distance = binsPerUnit - bin;
  // The quantile is outside already: the share is what was counted.
  if (distance <= 0) {
    return histogram.slice(binsPerUnit).reduce((sum, count) => sum + count, 0) / total;
  }
  return (above / total) * Math.exp(-distance / excess);
}
