/** Random packed programs: linear maps and small networks between random layouts. */
import { buildProgram } from '../../src/ir/build.ts';
import { applyMap, mapFromEntries } from '../../src/ir/linear-map.ts';
import type { LinearMap } from '../../src/ir/linear-map.ts';
import { affineToAttributes } from '../../src/ir/nn/linear.ts';
import type { Attribute, Program } from '../../src/ir/program.ts';
import { elementCount } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { stretched } from '../../src/passes/packing/spaces.ts';
import { randomLayout } from './random-layouts.ts';
import { randomSource, randomValues } from './random.ts';

export interface RandomPacked {
  readonly program: Program;
  /** Images one execution holds. */
  readonly batch: number;
  readonly inputShape: readonly number[];
  readonly outputLayout: Layout;
  /** What the program computes of one image. */
  readonly reference: (image: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>;
}

/** Share of the entries of a matrix that are not zero. */
const density = 0.4;

function randomMap(
  inShape: readonly number[],
  outShape: readonly number[],
  random: () => number,
): LinearMap {
  const out: number[] = [];
  const input: number[] = [];
  const inputs = elementCount(inShape);
  for (let o = 0; o < elementCount(outShape); o++) {
    const kept = Array.from({ length: inputs }, (_, i) => i).filter(() => random() < density);
    // No row without an entry: a result that is zero everywhere is a case of its own.
    for (const i of kept.length > 0 ? kept : [o % inputs]) {
      out.push(o);
      input.push(i);
    }
  }
  const weights = randomValues(random, out.length, -1, 1).map(Math.fround);
  return mapFromEntries(inShape, outShape, out, input, weights);
}

/**
 * One to three linear maps with squares between them, each value in a layout of its own: gaps, copies,
 * several ciphertexts, overlapping windows, images interleaved; random giant steps.
 */
export function randomPacked(seed: number, slots: number): RandomPacked {
  const random = randomSource(seed);
  const everyNth = 2 ** Math.floor(random() * 3);
  const batch = everyNth === 1 ? 1 : 1 + everyNth / 2 + Math.floor((random() * everyNth) / 2);
  const layout = (): Layout => {
    const one = randomLayout(Math.floor(random() * 2 ** 31), {
      slots: slots / everyNth,
      batch: 1,
    });
    return stretched(one, everyNth, batch);
  };
  const builder = buildProgram(`packed${seed}`);
  let from = layout();
  const inputShape = from.shape;
  let value = builder.add(
    'packed.input',
    [],
    { name: 'x', layout: from as unknown as Attribute, range: [-1, 1] },
    { location: 'x' },
  );
  const steps: ((image: Float64Array<ArrayBuffer>) => Float64Array<ArrayBuffer>)[] = [];
  const maps = 1 + Math.floor(random() * 3);
  for (let k = 0; k < maps; k++) {
    if (k > 0) {
      value = builder.add('packed.mul', [value, value], {}, { location: `square${k}` });
      steps.push((image) => image.map((x) => x * x));
    }
    const to = layout();
    const map = randomMap(from.shape, to.shape, random);
    // Rows that sum to one at most keep every value in [−1, 1].
    const sums = applyMap(
      { ...map, weights: map.weights.map(Math.abs) },
      new Float64Array(elementCount(from.shape)).fill(1),
    );
    const most = sums.reduce((a, b) => Math.max(a, b), 0);
    const scaled = { ...map, weights: map.weights.map((weight) => Math.fround(weight / most)) };
    const giantStep = random() < 0.3 ? 0 : Math.floor(random() * 12);
    const affine = { maps: [scaled], bias: null };
    value = builder.add(
      'packed.linear',
      [value],
      {
        ...affineToAttributes(builder, affine, to.shape, `map${k}`),
        layout: to as unknown as Attribute,
        method: { giantStep, fold: null },
      },
      { location: `linear${k}` },
    );
    steps.push((image) => applyMap(scaled, image));
    from = to;
  }
  return {
    program: builder.finish([{ name: 'y', value, postprocess: [] }]),
    batch,
    inputShape,
    outputLayout: from,
    reference: (image) => steps.reduce((x, step) => step(x), image),
  };
}

/** As many images as an execution holds. */
export function randomImages(
  { batch, inputShape }: RandomPacked,
  seed: number,
): Float64Array<ArrayBuffer>[] {
  const random = randomSource(seed);
  return Array.from({ length: batch }, () => randomValues(random, elementCount(inputShape), -1, 1));
}
