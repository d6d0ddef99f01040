/** Small packed programs: written by hand, and random expressions over several inputs. */
import fc from 'fast-check';
import { textOf } from '../../src/ir/attribute-values.ts';
import { buildProgram } from '../../src/ir/build.ts';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { LinearMap } from '../../src/ir/linear-map.ts';
import { affineToAttributes } from '../../src/ir/nn/linear.ts';
import type { Attribute, Program, ValueId } from '../../src/ir/program.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { magnitude } from '../../src/ir/types.ts';
import { pack, zeroUnused } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import type { Pass, PassContext, PassNote } from '../../src/passes/define-pass.ts';
import lowerPacked from '../../src/passes/lower-packed.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { randomSource } from './random.ts';

/** Elements of every value of these programs. */
export const width = 4;

/** Four elements in the first slots of eight: toy sizes, only rules and arithmetic matter here. */
export const smallLayout: Layout = {
  shape: [1, width],
  slots: 8,
  ciphertexts: 1,
  origin: [0, 0],
  digits: [{ of: 1, size: width, step: 1, place: 'slot', stride: 1 }],
  unused: zeroUnused,
};

export interface SlotWriter {
  readonly input: (name?: string, range?: readonly [number, number]) => ValueId;
  readonly add: (a: ValueId, b: ValueId) => ValueId;
  readonly sub: (a: ValueId, b: ValueId) => ValueId;
  readonly mul: (a: ValueId, b: ValueId) => ValueId;
  /** Coefficients, constant term first: numbers, or one per element. */
  readonly polynomial: (
    x: ValueId,
    coefficients: readonly (number | readonly number[])[],
  ) => ValueId;
  /** A dense matrix, by rows (default: the cyclic shift by one, halved), and a bias. */
  readonly linear: (
    operands: readonly ValueId[],
    matrix?: readonly (readonly number[])[],
    bias?: readonly number[] | null,
  ) => ValueId;
}

/** A dense matrix as a linear map. */
export function denseMap(matrix: readonly (readonly number[])[]): LinearMap {
  const columns = matrix[0]?.length ?? 0;
  return {
    inShape: [1, columns],
    outShape: [1, matrix.length],
    weights: Float64Array.from(matrix.flat()),
    segments: [
      {
        out: 0,
        input: 0,
        weight: 0,
        loops: [
          { count: matrix.length, out: 1, input: 0, weight: columns },
          { count: columns, out: 0, input: 1, weight: 1 },
        ],
      },
    ],
  };
}

const shift = Array.from({ length: width }, (_, row) =>
  Array.from({ length: width }, (__, column) => (column === (row + 1) % width ? 0.5 : 0)),
);

/** Write a packed program; `body` returns its outputs, named y0, y1, … Nodes are named op0, op1, … */
export function writeSlots(body: (writer: SlotWriter) => readonly ValueId[]): Program {
  const builder = buildProgram('slots');
  let node = 0;
  const location = (op: string) => ({ location: `${op}${node++}` });
  const layout = smallLayout as unknown as Attribute;
  const binary =
    (op: string) =>
    (a: ValueId, b: ValueId): ValueId =>
      builder.add(`packed.${op}`, [a, b], {}, location(op));
  const outputs = body({
    input: (name = 'x', range = [-1, 1]) =>
      builder.add('packed.input', [], { name, layout, range }, { location: name }),
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    polynomial(x, coefficients) {
      const perElement = coefficients.some((coefficient) => typeof coefficient !== 'number');
      const data = coefficients.flatMap((coefficient) =>
        typeof coefficient === 'number'
          ? new Array<number>(perElement ? width : 1).fill(coefficient)
          : [...coefficient],
      );
      const shape = [coefficients.length, ...(perElement ? [1, width] : [])];
      const value = builder.constant(tensor(shape, data), 'coefficients');
      return builder.add('packed.polynomial', [x], { coefficients: value }, location('polynomial'));
    },
    linear(operands, matrix = shift, bias = null) {
      const affine = {
        maps: operands.map(() => denseMap(matrix)),
        bias: bias === null ? null : Float64Array.from(bias),
      };
      const attributes = affineToAttributes(builder, affine, [1, width], 'linear');
      const method = { giantStep: 0, fold: null };
      return builder.add(
        'packed.linear',
        operands,
        { ...attributes, layout, method },
        location('linear'),
      );
    },
  });
  return builder.finish(outputs.map((value, k) => ({ name: `y${k}`, value, postprocess: [] })));
}

/** Largest magnitude a random product may take: powers of more would drown the rest. */
const tame = 8;

/** A random expression over one to three inputs, of about `length` operations. */
export function randomExpression(seed: number, length: number): Program {
  const random = randomSource(seed);
  const integer = (lo: number, hi: number): number => lo + Math.floor(random() * (hi - lo + 1));
  const number = (): number => Math.fround(2 * random() - 1);
  const numbers = (): number[] => Array.from({ length: width }, number);
  return writeSlots((writer) => {
    // Bounds by hand: the writer does not show types.
    const values: { readonly id: ValueId; readonly bound: number }[] = [];
    for (let k = integer(1, 3); k > 0; k--) {
      values.push({ id: writer.input(`x${values.length}`), bound: 1 });
    }
    const pick = () => (random() < 0.5 ? values.at(-1)! : values[integer(0, values.length - 1)]!);
    for (let n = 0; n < length; n++) {
      const [a, b] = [pick(), pick()];
      switch (integer(0, 7)) {
        case 0:
        case 1:
          values.push({ id: writer.add(a.id, b.id), bound: a.bound + b.bound });
          break;
        case 2:
          values.push({ id: writer.sub(a.id, b.id), bound: a.bound + b.bound });
          break;
        case 3:
          if (a.bound * b.bound > tame) break;
          values.push({ id: writer.mul(a.id, b.id), bound: a.bound * b.bound });
          break;
        case 4:
          if (a.bound ** 2 > tame) break;
          values.push({ id: writer.mul(a.id, a.id), bound: a.bound ** 2 });
          break;
        case 5: {
          const degree = integer(1, 5);
          if (a.bound ** degree > tame) break;
          const leading = random() < 0.5 ? 1 : 0.5 + 0.5 * Math.fround(random());
          const lower = Array.from({ length: degree }, () => {
            const kind = integer(0, 3);
            return kind === 0 ? 0 : kind === 1 ? numbers() : number();
          });
          const id = writer.polynomial(a.id, [...lower, leading]);
          const bound = (degree + 1) * Math.max(1, a.bound ** degree);
          values.push({ id, bound });
          break;
        }
        default: {
          const operands = integer(0, 3) === 0 ? [a, b] : [a];
          const matrix = Array.from({ length: width }, () => numbers());
          const bias = random() < 0.5 ? numbers() : null;
          const id = writer.linear(
            operands.map((operand) => operand.id),
            matrix,
            bias,
          );
          values.push({ id, bound: operands.reduce((sum, x) => sum + width * x.bound, 1) });
        }
      }
    }
    const ends = [
      values.at(-1)!,
      ...(random() < 0.3 ? [values[integer(0, values.length - 1)]!] : []),
    ];
    return ends.map(({ id }) => id);
  });
}

/** Random expressions as a fast-check arbitrary; it shrinks to fewer operations. */
export function randomExpressions(longest: number): fc.Arbitrary<Program> {
  return fc
    .record({ seed: fc.nat(), length: fc.integer({ min: 1, max: longest }) })
    .map(({ seed, length }) => randomExpression(seed, length));
}

/** Context of a pass; `notes` collects its facts. Ring degree 32768 unless said. */
export function slotContext(
  options: Partial<CompileOptions> = {},
  ringDegree = 32768,
  notes: PassNote[] = [],
): PassContext {
  return {
    options: compileOptionsSchema.parse(options),
    ringDegree,
    calibration: null,
    warn: () => undefined,
    note: (fact) => notes.push(fact),
  };
}

/** Lower a packed program to ckks and run passes on it. */
export function lowerAnd(
  program: Program,
  passes: readonly Pass[],
  context = slotContext(),
): Program {
  return passes.reduce(
    (current, pass) => pass.run(current, context),
    lowerPacked.run(program, context),
  );
}

/** The operators of a program in order, without the dialect. */
export function slotOps(program: Program): string[] {
  return program.operations.map(({ op }) => op.replace(/^\w+\./, ''));
}

/** Random slot vectors for the inputs of a packed or ckks program, inside their ranges. */
export function slotInputs(program: Program, seed: number): Map<string, Value> {
  const random = randomSource(seed);
  const inputs = new Map<string, Value>();
  for (const operation of program.operations) {
    const { op, type } = operation;
    if (!op.endsWith('.input') || type.kind === 'tensor') continue;
    const size = magnitude(type.range);
    const image = Float64Array.from({ length: width }, () => (2 * random() - 1) * size);
    const vectors = pack(type.layout, [image]);
    inputs.set(textOf(operation, 'name'), { kind: 'vectors', vectors });
  }
  return inputs;
}

/** Outputs of a packed or ckks program, slot by slot. */
export function slotOutputs(program: Program, inputs: ReadonlyMap<string, Value>): number[][] {
  return [...interpret(program, inputs).values()].map((value) =>
    value.kind === 'vectors' ? value.vectors.flatMap((vector) => [...vector]) : [],
  );
}

/** Largest difference of two runs, relative to the largest value (at least 1). */
export function slotDifference(a: readonly number[][], b: readonly number[][]): number {
  const flat = a.flat();
  const largest = flat.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const other = b.flat();
  if (flat.length !== other.length) return Infinity;
  return (
    flat.reduce((worst, value, k) => Math.max(worst, Math.abs(value - other[k]!)), 0) / largest
  );
}
