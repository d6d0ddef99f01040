/**
 * Small programs of primitives, with parameters in which the error of each is the largest one.
 *
 * Primitives of the same parameters are outputs of one program: they share keys, whose making takes
 * most of the time of a measurement.
 */
import type { NoiseEvaluator } from '../../src/backend/clear/primitive-errors.ts';
import { buildProgram } from '../../src/ir/build.ts';
import type { ProgramBuilder } from '../../src/ir/build.ts';
import { affineToAttributes } from '../../src/ir/nn/linear.ts';
import type { Attribute, Modulus, Program, ValueId } from '../../src/ir/program.ts';
import { tensor } from '../../src/ir/tensor.ts';
import type { LinearMap, Segment } from '../../src/ir/linear-map.ts';
import { zeroUnused } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import type { Pass } from '../../src/passes/define-pass.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import matchScales from '../../src/passes/match-scales.ts';
import { findPrimes } from '../../src/passes/params/find-primes.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { lowerAnd, slotContext } from '../support/slot-programs.ts';

export interface PrimitiveGroup {
  /** The outputs of the program. */
  readonly names: readonly string[];
  /** Several special primes, which SEAL does not have. */
  readonly nativeOnly: boolean;
  readonly program: (ringDegree: number) => Program;
}

/** Computes a primitive on inputs of the highest level. */
type Body = (writer: Writer) => ValueId;

interface Writer {
  /** An input of the name and scale, the same one to all that ask for it. */
  readonly input: (name: string, scaleBits: number) => ValueId;
  readonly add: (
    op: string,
    operands: readonly ValueId[],
    attributes?: Record<string, Attribute>,
  ) => ValueId;
  /** Random numbers in [−1, 1], one a slot. */
  readonly constant: () => string;
  /** Σ_k w_k ⊙ rotate(x, step_k), with random weights or ones. */
  readonly rotations: (x: ValueId, steps: readonly number[], options: RotationOptions) => ValueId;
}

interface RotationOptions {
  readonly random: boolean;
  readonly giantStep?: number;
  readonly plainBits: number;
}

/** All slots, one element each. */
export function fullLayout(slots: number): Layout {
  return {
    shape: [1, slots],
    slots,
    ciphertexts: 1,
    origin: [0, 0],
    digits: [{ of: 1, size: slots, step: 1, place: 'slot', stride: 1 }],
    unused: zeroUnused,
  };
}

function chain(ringDegree: number, bits: readonly number[], special: readonly number[]): Modulus {
  const found: bigint[] = [];
  for (const size of [...bits, ...special]) found.push(...findPrimes(size, 1, ringDegree, found));
  return {
    ringDegree,
    primes: found.slice(0, bits.length),
    specialPrimes: found.slice(bits.length),
  };
}

/** A cyclic map: y[s] = Σ_k w_k[s] · x[s + step_k]. */
function rotationMap(slots: number, steps: readonly number[], random: boolean): LinearMap {
  const segments: Segment[] = steps.flatMap((step, k) => {
    const before = slots - step;
    const part = (out: number, input: number, count: number): Segment => ({
      out,
      input,
      weight: k * slots + out,
      loops: [{ count, out: 1, input: 1, weight: 1 }],
    });
    return [part(0, step, before), ...(step === 0 ? [] : [part(before, 0, step)])];
  });
  const count = steps.length * slots;
  const weights = random ? randomValues(randomSource(7), count) : new Float64Array(count).fill(1);
  return { inShape: [1, slots], outShape: [1, slots], weights, segments };
}

function writerFor(builder: ProgramBuilder, { ringDegree, primes }: Modulus): Writer {
  const slots = ringDegree / 2;
  const layout = fullLayout(slots);
  const random = randomSource(11);
  const inputs = new Map<string, ValueId>();
  return {
    input(variable, scaleBits) {
      const name = `${variable}${scaleBits}`;
      const value =
        inputs.get(name) ??
        builder.add('ckks.input', [], {
          name,
          layout: layout as unknown as Attribute,
          range: [-1, 1],
          level: primes.length - 1,
          scale: String(2n ** BigInt(scaleBits)),
        });
      inputs.set(name, value);
      return value;
    },
    add: (op, operands, attributes = {}) => builder.add(`ckks.${op}`, operands, attributes),
    constant: () => builder.constant(tensor([1, slots], randomValues(random, slots)), 'c'),
    rotations(x, steps, { random: weighted, giantStep = 0, plainBits }) {
      const affine = { maps: [rotationMap(slots, steps, weighted)], bias: null };
      return builder.add('ckks.linear', [x], {
        ...affineToAttributes(builder, affine, [1, slots], 'linear'),
        layout: layout as unknown as Attribute,
        method: { giantStep, fold: null },
        plainScales: [String(2n ** BigInt(plainBits))],
      });
    },
  };
}

function group(
  bits: readonly number[],
  special: readonly number[],
  bodies: Readonly<Record<string, Body>>,
): PrimitiveGroup {
  return {
    names: Object.keys(bodies),
    nativeOnly: special.length > 1,
    program(ringDegree) {
      const modulus = chain(ringDegree, bits, special);
      const builder = buildProgram('primitives', { modulus });
      const writer = writerFor(builder, modulus);
      return builder.finish(
        Object.entries(bodies).map(([name, body]) => ({
          name,
          value: body(writer),
          postprocess: [],
        })),
      );
    },
  };
}

/** From packed programs to those that evaluators run. */
export const before: readonly Pass[] = [
  placeRescales,
  placeRelins,
  budgetLevels,
  chooseParameters,
  matchScales,
];

/** Polynomials of one input in [−1, 1], constant terms first, by name of the output. */
export function polynomials(
  ringDegree: number,
  coefficients: Readonly<Record<string, readonly number[]>>,
  {
    primeBits,
    outputLevel = 0,
    passes = before,
  }: {
    readonly primeBits: readonly number[];
    readonly outputLevel?: number;
    readonly passes?: readonly Pass[];
  },
): Program {
  const builder = buildProgram('polynomials');
  const layout = fullLayout(ringDegree / 2) as unknown as Attribute;
  const x = builder.add('packed.input', [], { name: 'x', layout, range: [-1, 1] });
  const outputs = Object.entries(coefficients).map(([name, terms]) => {
    const constant = builder.constant(tensor([terms.length], [...terms]), 'p');
    const attributes = { coefficients: constant };
    const value = builder.add('packed.polynomial', [x], attributes, { location: name });
    return { name, value, postprocess: [] };
  });
  const context = slotContext({ primeBits: [...primeBits], insecure: true }, ringDegree);
  return lowerAnd(builder.finish(outputs), passes, { ...context, outputLevel });
}

function polynomial(coefficients: readonly number[]): PrimitiveGroup {
  const name = `polynomial of degree ${coefficients.length - 1}`;
  const levels = Math.ceil(Math.log2(coefficients.length));
  const primeBits = [45, ...new Array<number>(levels).fill(30), 50];
  return {
    names: [name],
    nativeOnly: false,
    program: (ringDegree) => polynomials(ringDegree, { [name]: coefficients }, { primeBits }),
  };
}

const rotateByThree: Body = ({ input, rotations }) =>
  rotations(input('x', 40), [3], { random: false, plainBits: 20 });

const primitiveGroups: readonly PrimitiveGroup[] = [
  group([50, 40], [50], {
    encryption: ({ input }) => input('x', 40),
    sum: ({ input, add }) => add('add', [input('x', 40), input('y', 40)]),
    'sum with a plaintext': ({ input, add, constant }) =>
      add('add-constant', [input('x', 40)], { value: constant() }),
    'product with a plaintext': ({ input, add, constant }) =>
      add('multiply-constant', [input('x', 40)], {
        value: constant(),
        plainScale: String(2n ** 36n),
      }),
    'encoding of a plaintext factor': ({ input, add, constant }) =>
      add('multiply-constant', [input('x', 45)], {
        value: constant(),
        plainScale: String(2n ** 25n),
      }),
    product: ({ input, add }) =>
      add('relinearize', [add('multiply', [input('x', 35), input('y', 35)])]),
    square: ({ input, add }) => add('relinearize', [add('square', [input('x', 35)])]),
    rescale: ({ input, add }) => add('rescale', [input('x', 65)]),
    'rescale before relinearisation': ({ input, add }) =>
      add('relinearize', [add('rescale', [add('multiply', [input('x', 35), input('y', 35)])])]),
  }),
  group([40, 40], [24], {
    relinearisation: ({ input, add }) =>
      add('relinearize', [add('multiply', [input('x', 20), input('y', 20)])]),
  }),
  group([45, 40, 40], [26], {
    rotation: rotateByThree,
    'hoisted rotations': ({ input, rotations }) =>
      rotations(input('x', 40), [1, 2, 3], { random: true, plainBits: 30 }),
    'baby and giant steps': ({ input, rotations }) =>
      rotations(input('x', 40), [0, 1, 2, 3, 4, 5, 6, 7, 8], {
        random: true,
        giantStep: 3,
        plainBits: 30,
      }),
  }),
  group([45, 40, 40, 40], [34, 34], { 'rotation, 2 special primes': rotateByThree }),
  group([45, 40, 40, 40], [36, 36, 36], { 'rotation, 3 special primes': rotateByThree }),
  polynomial([0.25, -0.5, 0.75, 0.5]),
  polynomial([0.1, 0.9, -0.3, 0.4, 0.2, -0.6, 0.3, 0.5]),
];

/** The groups that an evaluator runs. */
export function groupsOf(evaluator: NoiseEvaluator): readonly PrimitiveGroup[] {
  return primitiveGroups.filter(({ nativeOnly }) => evaluator === 'native' || !nativeOnly);
}

export const primitiveNames: readonly string[] = primitiveGroups.flatMap(({ names }) => names);
