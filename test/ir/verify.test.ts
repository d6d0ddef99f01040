import { describe, expect, it } from 'vitest';
import { textOf } from '../../src/ir/attribute-values.ts';
import type { Operation, Program } from '../../src/ir/program.ts';
import { powerOfTwo } from '../../src/ir/rational.ts';
import { tensor } from '../../src/ir/tensor.ts';
import type { CiphertextType, Type } from '../../src/ir/types.ts';
import { verify } from '../../src/ir/verify.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import matchScales from '../../src/passes/match-scales.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { errorOf } from '../support/error-of.ts';
import { writeProgram } from '../support/small-programs.ts';
import { lowerAnd, slotContext, writeSlots } from '../support/slot-programs.ts';

const nn = writeProgram(({ input, dense, add }) => {
  const x = dense(input([1, 3]), 3, 2);
  return [add('nn.mul', [x, x])];
});
const packed = writeSlots(({ input, linear, mul, add }) => {
  const [x, y] = [input('x'), linear([input('y')])];
  return [add(mul(x, y), y)];
});
const ckks = lowerAnd(
  packed,
  [placeRescales, placeRelins, budgetLevels, chooseParameters, matchScales],
  slotContext({ precisionBits: 1 }),
);

/** The program with the first operation of a name changed. */
function changed(
  program: Program,
  op: string,
  change: (operation: Operation) => Operation,
): Program {
  const at = program.operations.findIndex((operation) => operation.op === op);
  expect(at, op).toBeGreaterThanOrEqual(0);
  const operations = program.operations.map((operation, id) =>
    id === at ? change(operation) : operation,
  );
  return { ...program, operations };
}

const withAttributes =
  (attributes: Operation['attributes']) =>
  (operation: Operation): Operation => ({
    ...operation,
    attributes: { ...operation.attributes, ...attributes },
  });
const withOperands =
  (...operands: number[]) =>
  (operation: Operation): Operation => ({ ...operation, operands });
const withType =
  (type: (type: Type) => Type) =>
  (operation: Operation): Operation => ({ ...operation, type: type(operation.type) });
const asCiphertext =
  (change: Partial<CiphertextType>) =>
  (type: Type): Type =>
    type.kind === 'ciphertext' ? { ...type, ...change } : type;

describe('verify', () => {
  it('accepts programs of every dialect', () => {
    for (const program of [nn, packed, ckks]) {
      expect(() => {
        verify(program);
      }).not.toThrow();
    }
  });

  const broken: [rule: RegExp, program: () => Program][] = [
    [/mixes the dialects/, () => ({ ...nn, operations: [...nn.operations, ...packed.operations] })],
    [/no operator nn\.dance/, () => changed(nn, 'nn.mul', (o) => ({ ...o, op: 'nn.dance' }))],
    [/operand %1 does not come before/, () => changed(nn, 'nn.dense', withOperands(1))],
    [/operand %9 does not come before/, () => changed(nn, 'nn.mul', withOperands(1, 9))],
    [/operand %-1 does not come before/, () => changed(nn, 'nn.mul', withOperands(-1, 1))],
    [/operand %0.5 does not come before/, () => changed(nn, 'nn.mul', withOperands(0.5, 1))],
    [/nn\.mul takes 2 operands, not 1/, () => changed(nn, 'nn.mul', withOperands(1))],
    [
      /nn\.input takes 0 operands, not 1/,
      () => ({
        ...nn,
        operations: [nn.operations[0]!, { ...nn.operations[0]!, operands: [0] }],
        outputs: [],
      }),
    ],
    [
      /packed\.linear takes 1 operands, not 0/,
      () => changed(packed, 'packed.linear', withOperands()),
    ],
    [
      /constant @gone does not exist/,
      () => changed(nn, 'nn.dense', withAttributes({ bias: '@gone' })),
    ],
    [/constant @.* does not exist/, () => ({ ...nn, constants: new Map() })],
    [/attribute weights/, () => changed(nn, 'nn.dense', withAttributes({ weights: 'plain' }))],
    [/attribute shape/, () => changed(nn, 'nn.input', withAttributes({ shape: [1, -3] }))],
    [/attribute shape/, () => changed(nn, 'nn.input', withAttributes({ shape: 3 }))],
    [/attribute .*: Unrecognized key/, () => changed(nn, 'nn.mul', withAttributes({ extra: 1 }))],
    [
      /cannot begin with "@"/,
      () => ({
        ...changed(nn, 'nn.input', withAttributes({ name: '@x' })),
        constants: new Map([...nn.constants, ['x', tensor([1], [0])]]),
      }),
    ],
    [
      /has type tensor \[1,5\], its rule gives tensor \[1,2\]/,
      () =>
        changed(
          nn,
          'nn.mul',
          withType((t) => (t.kind === 'tensor' ? { ...t, shape: [1, 5] } : t)),
        ),
    ],
    [
      /empty range \[2, 1\]/,
      () =>
        changed(
          nn,
          'nn.mul',
          withType((t) => ({ ...t, range: { lo: 2, hi: 1, source: 'proved' } })),
        ),
    ],
    [
      /empty range \[NaN/,
      () =>
        changed(
          nn,
          'nn.mul',
          withType((t) => ({ ...t, range: { lo: NaN, hi: 1, source: 'proved' } })),
        ),
    ],
    [
      /input "x" is declared twice/,
      () => ({ ...nn, operations: [nn.operations[0]!, nn.operations[0]!], outputs: [] }),
    ],
    [
      /output "y0" names no value/,
      () => ({ ...nn, outputs: [{ name: 'y0', value: 17, postprocess: [] }] }),
    ],
    [/output "y0" is declared twice/, () => ({ ...nn, outputs: [...nn.outputs, ...nn.outputs] })],
    // packed
    [
      /has type vector/,
      () =>
        changed(
          packed,
          'packed.mul',
          withType((t) =>
            t.kind === 'vector'
              ? { ...t, layout: { ...t.layout, unused: { kind: 'unknown', bound: 1 } } }
              : t,
          ),
        ),
    ],
    [
      /same layout/,
      () => {
        const layout = {
          ...(packed.operations[0]!.attributes['layout'] as object),
          digits: [{ of: 1, size: 4, step: 1, place: 'slot', stride: 2 }],
        };
        const moved = changed(packed, 'packed.input', withAttributes({ layout }));
        return changed(
          moved,
          'packed.input',
          withType((t) => (t.kind === 'vector' ? { ...t, layout: layout as never } : t)),
        );
      },
    ],
    [/one matrix per operand/, () => changed(packed, 'packed.linear', withOperands(0, 0))],
    // ckks
    [
      /has type ciphertext.*its rule gives/,
      () => changed(ckks, 'ckks.rescale', withType(asCiphertext({ level: 0 }))),
    ],
    [
      /has type ciphertext.*its rule gives/,
      () => changed(ckks, 'ckks.rescale', withType(asCiphertext({ scale: powerOfTwo(40) }))),
    ],
    [
      /has type ciphertext.*its rule gives/,
      () => changed(ckks, 'ckks.multiply', withType(asCiphertext({ size: 2 }))),
    ],
    [
      /levels .* and/,
      () =>
        changed(ckks, 'ckks.input', (o) => ({
          ...o,
          attributes: { ...o.attributes, level: 0 },
          type: asCiphertext({ level: 0 })(o.type),
        })),
    ],
    [
      /different scales/,
      () => {
        const free = ckks.operations.findIndex((o) => o.op === 'ckks.add');
        const [, b = -1] = ckks.operations[free]!.operands;
        // Whatever makes the second summand: its own scale, off by one part in 2^60.
        const [n, d] = textOf(ckks.operations[b - 1]!, 'plainScale').split('/');
        const plainScale = `${BigInt(n!) * 2n ** 60n + 1n}/${BigInt(d ?? '1') * 2n ** 60n}`;
        const text = {
          ...ckks,
          operations: ckks.operations.map((o, id) =>
            id === b - 1 ? { ...o, attributes: { ...o.attributes, plainScale } } : o,
          ),
        };
        return retyped(text, [b - 1, b]);
      },
    ],
    [
      /relinearised first/,
      () => {
        const square = ckks.operations.findIndex((o) => o.op === 'ckks.multiply');
        const { type } = ckks.operations[square]!;
        const twice: Operation = {
          op: 'ckks.square',
          operands: [square],
          attributes: {},
          type,
          location: null,
        };
        return {
          ...ckks,
          operations: [...ckks.operations.slice(0, square + 1), twice],
          outputs: [],
        };
      },
    ],
    [
      /rescale at level 0/,
      () => {
        const last = ckks.outputs[0]!.value;
        const { type } = ckks.operations[last]!;
        const more: Operation = {
          op: 'ckks.rescale',
          operands: [last],
          attributes: {},
          type,
          location: null,
        };
        return { ...ckks, operations: [...ckks.operations, more] };
      },
    ],
    [
      /cannot drop from level 0 to 3/,
      () => {
        const last = ckks.outputs[0]!.value;
        const { type } = ckks.operations[last]!;
        const more: Operation = {
          op: 'ckks.level-drop',
          operands: [last],
          attributes: { level: 3 },
          type,
          location: null,
        };
        return { ...ckks, operations: [...ckks.operations, more] };
      },
    ],
    [
      /does not broadcast/,
      () => {
        const last = ckks.outputs[0]!.value;
        const { type } = ckks.operations[last]!;
        const more: Operation = {
          op: 'ckks.add-constant',
          operands: [last],
          attributes: { value: '@wide' },
          type,
          location: null,
        };
        return {
          ...ckks,
          operations: [...ckks.operations, more],
          constants: new Map([...ckks.constants, ['wide', tensor([3], [1, 2, 3])]]),
        };
      },
    ],
  ];

  it.each(broken)('refuses %s', (rule, make) => {
    const error = errorOf(() => {
      verify(make());
    });
    expect(error.message).toMatch(rule);
    // A fault of the program, never reported as a bug of ours.
    expect(['IR_INVALID', 'SHAPE_MISMATCH']).toContain(error.code);
  });

  it('names the node', () => {
    const error = errorOf(() => {
      verify(
        changed(
          nn,
          'nn.mul',
          withType(() => ({ kind: 'tensor', shape: [7], range: null })),
        ),
      );
    });
    expect(error.node).toBe('mul1');
    expect(error.phase).toBe('ir');
  });
});

/** The types of some operations as their plain scales make them. */
function retyped(program: Program, ids: readonly number[]): Program {
  return ids.reduce((current, id) => {
    try {
      verify(current);
      return current;
    } catch (error) {
      const match = /its rule gives .*\((\d+)(?:\/(\d+))?\)$/.exec((error as Error).message);
      if (match === null) return current;
      const scale = { numerator: BigInt(match[1]!), denominator: BigInt(match[2] ?? '1') };
      const operations = current.operations.map((o, n) =>
        n === id ? { ...o, type: asCiphertext({ scale })(o.type) } : o,
      );
      return { ...current, operations };
    }
  }, program);
}
