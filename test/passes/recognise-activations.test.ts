import { describe, expect, it } from 'vitest';
import { activationFunctions } from '../../src/ir/nn/activation-functions.ts';
import { compositeSteps, formulaOf } from '../../src/ir/nn/composite-steps.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { printProgram } from '../../src/ir/print.ts';
import { parseProgram } from '../../src/ir/parse.ts';
import type { ValueId } from '../../src/ir/program.ts';
import recogniseActivations from '../../src/passes/recognise-activations.ts';
import { runPass } from '../support/pass-context.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';
import type { Writer } from '../support/small-programs.ts';

/** Short forms of what exporters write. */
function shorthand({ add, constant, polynomial }: Writer) {
  return {
    apply: (name: string, x: ValueId, parameters = {}) =>
      add('nn.activation', [x], { function: name, parameters }),
    times: (x: ValueId, factor: number, shape: readonly number[] = []) =>
      add('nn.scale', [x], { factor: constant(shape, [factor]) }),
    plus: (x: ValueId, value: number) =>
      add('nn.add-constant', [x], { value: constant([1], [value]) }),
    mul: (a: ValueId, b: ValueId) => add('nn.mul', [a, b]),
    power: (x: ValueId, n: number) => polynomial(x, [...new Array<number>(n).fill(0), 1]),
  };
}

type Body = (x: ValueId, forms: ReturnType<typeof shorthand>, writer: Writer) => ValueId;

/** The pass on a function of an input in [−5, 5]; answers compared. */
function recognised(body: Body): ReturnType<typeof runPass>['program'] {
  const before = writeProgram((writer) => [
    body(writer.input([1, 8], [-5, 5]), shorthand(writer), writer),
  ]);
  const { program } = runPass(recogniseActivations, before);
  expectSameAnswers(before, program, 1, 1e-12);
  return program;
}

const erfTerm: Body = (x, { apply, plus, times }) => plus(apply('erf', times(x, Math.SQRT1_2)), 1);

const tanhTerm: Body = (x, { apply, plus, times, power }, { add }) => {
  const inner = add('nn.add', [x, times(power(x, 3), 0.044715)]);
  return plus(apply('tanh', times(inner, Math.sqrt(2 / Math.PI))), 1);
};

/** By the function it is: how exporters write it. */
const decompositions: Readonly<Record<string, readonly [name: string, body: Body][]>> = {
  gelu: [
    ['(x · ½) · (1 + erf)', (x, f, w) => f.mul(f.times(x, 0.5), erfTerm(x, f, w))],
    ['(x · (1 + erf)) · ½', (x, f, w) => f.times(f.mul(x, erfTerm(x, f, w)), 0.5)],
    ['x · ((1 + erf) · ½)', (x, f, w) => f.mul(x, f.times(erfTerm(x, f, w), 0.5))],
    ['½ of shape [1, 1]', (x, f, w) => f.mul(erfTerm(x, f, w), f.times(x, 0.5, [1, 1]))],
  ],
  geluTanh: [
    ['½ first', (x, f, w) => f.mul(f.times(x, 0.5), tanhTerm(x, f, w))],
    ['½ last', (x, f, w) => f.times(f.mul(x, tanhTerm(x, f, w)), 0.5)],
  ],
  hardSwish: [
    [
      'x · clip(x + 3, 0, 6) / 6',
      (x, f) => f.times(f.mul(x, f.apply('clip', f.plus(x, 3), { lo: 0, hi: 6 })), 1 / 6),
    ],
    [
      'x · hardsigmoid(x)',
      (x, f) => f.mul(x, f.apply('hardSigmoid', x, { alpha: 1 / 6, beta: 0.5 })),
    ],
  ],
  mish: [
    ['x · tanh(softplus(x))', (x, f) => f.mul(x, f.apply('tanh', f.apply('softplus', x)))],
    [
      'x · tanh(log(1 + exp(x)))',
      (x, f) => f.mul(f.apply('tanh', f.apply('log', f.plus(f.apply('exp', x), 1))), x),
    ],
  ],
  softplus: [['log(1 + exp(x))', (x, f) => f.apply('log', f.plus(f.apply('exp', x), 1))]],
  softsign: [
    ['x / (1 + |x|)', (x, f) => f.mul(x, f.apply('reciprocal', f.plus(f.apply('abs', x), 1)))],
  ],
  swish: [
    ['x · sigmoid(x)', (x, f) => f.mul(x, f.apply('sigmoid', x))],
    [
      'x / (1 + exp(−x))',
      (x, f, { add }) =>
        f.mul(x, f.apply('reciprocal', f.plus(f.apply('exp', add('nn.negate', [x])), 1))),
    ],
  ],
};

describe.each(Object.entries(decompositions))('%s', (name, bodies) => {
  it.each(bodies)('written %s becomes one function', (_, body) => {
    const program = recognised(body);
    const composites = program.operations.filter(({ op }) => op === 'nn.composite');
    expect(composites.length).toBe(1);
    expect(opsOf(program).filter((op) => op === 'activation')).toEqual([]);
    // And it is the function of that name.
    const data = Float64Array.from({ length: 8 }, (_, n) => -5 + (10 * n) / 7);
    const input = { kind: 'tensor', tensor: { shape: [1, 8], data } } as const;
    const y = interpret(program, new Map([['x', input]])).get('y0');
    const { evaluate } = activationFunctions[name as keyof typeof activationFunctions] as {
      evaluate: (x: number, parameters: object) => number;
    };
    data.forEach((x, n) => {
      const value = y?.kind === 'tensor' ? y.tensor.data[n] : NaN;
      expect(value).toBeCloseTo(evaluate(x, {}), 12);
    });
  });
});

describe('recognise-activations', () => {
  it('joins clips made of two rectifiers, without the offsets behind', () => {
    // min(max(x, 0), 6) = 6 − relu(6 − relu(x)).
    const program = recognised((x, { apply, plus }, { add }) => {
      const inner = plus(add('nn.negate', [apply('relu', x)]), 6);
      return plus(add('nn.negate', [apply('relu', inner)]), 6);
    });
    expect(opsOf(program)).toEqual(['input', 'composite', 'negate', 'add-constant']);
  });

  it('prints a formula, and text that is read again', () => {
    const program = recognised((x, f, w) => f.mul(f.times(x, 0.5), erfTerm(x, f, w)));
    const { steps } = program.operations[1]!.attributes;
    expect(formulaOf(compositeSteps.parse(steps))).toBe('0.5·x·(1 + erf(0.7071·x))');
    const text = printProgram(program);
    expect(printProgram(parseProgram(text, program.constants))).toBe(text);
  });

  it('keeps a polynomial in front of an activation exact', () => {
    const program = recognised((x, { apply, power }) => {
      const square = power(x, 2);
      return apply('sigmoid', square);
    });
    expect(opsOf(program)).toEqual(['input', 'polynomial', 'activation']);
    const gated = recognised((x, { apply, power, mul }) => {
      const square = power(x, 2);
      return mul(square, apply('sigmoid', square));
    });
    expect(opsOf(gated)).toEqual(['input', 'polynomial', 'composite']);
  });

  it('keeps a polynomial behind an activation exact', () => {
    const program = recognised((x, { apply, power }) => power(apply('tanh', x), 3));
    expect(opsOf(program)).toEqual(['input', 'activation', 'polynomial']);
  });

  it('stops at constants of more than one element and at linear maps', () => {
    const vector = recognised((x, { apply }, { add, random }) => {
      const scaled = add('nn.scale', [apply('relu', x)], { factor: random([8]) });
      return add('nn.add', [x, scaled]);
    });
    expect(opsOf(vector)).toEqual(['input', 'activation', 'scale', 'add']);
    const dense = recognised((x, { apply }, { add, dense: layer }) =>
      add('nn.add', [x, apply('relu', layer(x, 8, 8))]),
    );
    expect(opsOf(dense)).toEqual(['input', 'dense', 'activation', 'add']);
  });

  it('computes a value that is needed elsewhere too beside the whole', () => {
    const before = writeProgram((writer) => {
      const { apply, mul } = shorthand(writer);
      const x = writer.input([1, 8], [-5, 5]);
      const gate = apply('sigmoid', x);
      return [mul(x, gate), writer.dense(gate, 8, 2)];
    });
    const { program } = runPass(recogniseActivations, before);
    expectSameAnswers(before, program, 1, 1e-12);
    expect(opsOf(program)).toEqual(['input', 'activation', 'composite', 'dense']);
  });
});
