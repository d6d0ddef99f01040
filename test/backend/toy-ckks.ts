/** ckks programs by hand: levels and scales as match-scales would choose them. */
import { buildProgram, type ProgramBuilder } from '../../src/ir/build.ts';
import { mapFromEntries, encodeSegments, type LinearMap } from '../../src/ir/linear-map.ts';
import type { LinearMethod } from '../../src/ir/packed/diagonals.ts';
import type { Modulus, Program, ValueId } from '../../src/ir/program.ts';
import { divide, multiply, powerOfTwo, rational, toText } from '../../src/ir/rational.ts';
import { tensor } from '../../src/ir/tensor.ts';
import type { CiphertextType } from '../../src/ir/types.ts';
import { type Digit, type Layout, zeroUnused } from '../../src/layout/layout.ts';
import { findPrimes } from '../../src/passes/params/find-primes.ts';

export function toyModulus(ringDegree: number, levels: number, bits = 40): Modulus {
  const [base = 0n] = findPrimes(bits + 10, 1, ringDegree);
  const primes = [base, ...findPrimes(bits, levels, ringDegree, [base])];
  return { ringDegree, primes, specialPrimes: findPrimes(58, 1, ringDegree, primes) };
}

export const waterline = powerOfTwo(40);

/** A layout of [1, elements] from digits. */
export function layoutOf(
  elements: number,
  slots: number,
  digits: readonly Digit[],
  unused: Layout['unused'] = zeroUnused,
): Layout {
  const ciphertexts = digits.reduce(
    (count, digit) =>
      digit.place === 'ciphertext' ? count + digit.stride * (digit.size - 1) : count,
    1,
  );
  return { shape: [1, elements], slots, ciphertexts, origin: [0, 0], digits, unused };
}

/** One element after another from slot 0. */
export function rowLayout(elements: number, slots: number): Layout {
  return layoutOf(elements, slots, [{ of: 1, size: elements, step: 1, place: 'slot', stride: 1 }]);
}

/** One element a ciphertext, one image a slot. */
export function batchLayout(elements: number, slots: number, batch = slots): Layout {
  return layoutOf(elements, slots, [
    { of: 1, size: elements, step: 1, place: 'ciphertext', stride: 1 },
    { of: 'batch', size: batch, step: 1, place: 'slot', stride: 1 },
  ]);
}

/** Dense matrix [out][in] as a map. */
export function denseMap(matrix: readonly (readonly number[])[]): LinearMap {
  const out: number[] = [];
  const input: number[] = [];
  const values: number[] = [];
  matrix.forEach((row, o) => {
    row.forEach((value, i) => {
      out.push(o);
      input.push(i);
      values.push(value);
    });
  });
  const inputs = matrix[0]?.length ?? 0;
  return mapFromEntries([1, inputs], [1, matrix.length], out, input, values);
}

export interface ToyBuilder {
  readonly builder: ProgramBuilder;
  input(name: string, layout: Layout, level: number, range?: readonly [number, number]): ValueId;
  /** Sum of maps times operands, encoded so that the rescaled result has the waterline. */
  linear(
    operands: readonly ValueId[],
    maps: readonly LinearMap[],
    layout: Layout,
    method?: LinearMethod,
  ): ValueId;
  rescale(x: ValueId): ValueId;
  /** Square, relinearise, rescale. */
  square(x: ValueId): ValueId;
  addConstant(x: ValueId, values: readonly number[]): ValueId;
  /** Times a constant, rescaled to the waterline. */
  multiplyConstant(x: ValueId, values: readonly number[]): ValueId;
  levelDrop(x: ValueId, level: number): ValueId;
  finish(outputs: Readonly<Record<string, ValueId>>): Program;
}

export function toyBuilder(modulus: Modulus, name = 'toy'): ToyBuilder {
  const builder = buildProgram(name, { modulus });
  const typeOf = (value: ValueId): CiphertextType => {
    const type = builder.typeOf(value);
    if (type.kind !== 'ciphertext') throw new Error('not a ciphertext');
    return type;
  };
  /** W · q_l / S_in */
  const plainScale = (value: ValueId): string => {
    const { level, scale } = typeOf(value);
    const prime = modulus.primes[level ?? -1];
    if (prime === undefined || scale === null) throw new Error('no level or scale');
    return toText(divide(multiply(waterline, rational(prime)), scale));
  };
  const add = builder.add.bind(builder);
  const rescale = (x: ValueId): ValueId => add('ckks.rescale', [x], {});
  return {
    builder,
    input: (inputName, layout, level, range = [-1, 1]) =>
      add('ckks.input', [], {
        name: inputName,
        layout: layout as never,
        range,
        level,
        scale: toText(waterline),
      }),
    linear(operands, maps, layout, method = { giantStep: 0, fold: null }) {
      const [first] = maps;
      return add(
        'ckks.linear',
        operands,
        {
          shape: first?.outShape ?? [],
          maps: maps.map((map) => {
            const segments = encodeSegments(map.segments);
            return {
              weights: builder.constant(tensor([map.weights.length], map.weights), 'weights'),
              segments: builder.constant(tensor([segments.length], segments), 'segments'),
            };
          }),
          bias: null,
          layout: layout as never,
          method: method as never,
          plainScales: operands.map(plainScale),
        },
        { location: `linear ${operands.join(' ')}` },
      );
    },
    rescale,
    square(x) {
      return rescale(add('ckks.relinearize', [add('ckks.square', [x], {})], {}));
    },
    addConstant(x, values) {
      const value = builder.constant(tensor([1, values.length], values), 'bias');
      return add('ckks.add-constant', [x], { value });
    },
    multiplyConstant(x, values) {
      const shape = values.length === 1 ? [] : [1, values.length];
      const value = builder.constant(tensor(shape, values), 'factor');
      return rescale(add('ckks.multiply-constant', [x], { value, plainScale: plainScale(x) }));
    },
    levelDrop: (x, level) => add('ckks.level-drop', [x], { level }),
    finish: (outputs) =>
      builder.finish(
        Object.entries(outputs).map(([outputName, value]) => ({
          name: outputName,
          value,
          postprocess: [],
        })),
      ),
  };
}
