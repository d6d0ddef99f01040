/** Programs some of whose inputs the server knows: every pass keeps their answers. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileUntil } from '../../src/index.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { parseProgram } from '../../src/ir/parse.ts';
import { printProgram } from '../../src/ir/print.ts';
import type { Program } from '../../src/ir/program.ts';
import { publicFlags, publicInputs } from '../../src/ir/public-values.ts';
import { passes } from '../../src/passes/index.ts';
import lowerPublic from '../../src/passes/lower-public.ts';
import { markPublicInputs } from '../../src/passes/public/mark-public-inputs.ts';
import splitPublic from '../../src/passes/split-public.ts';
import { errorOf } from '../support/error-of.ts';
import { allConstants, checkLowering } from '../support/lowered-semantics.ts';
import { encodeModel, filled } from '../support/onnx-model.ts';
import { runPass } from '../support/pass-context.ts';
import { randomSource } from '../support/random.ts';
import { linearSteps, plainSteps, randomPrograms } from '../support/random-programs.ts';
import { expectSameAnswers } from '../support/same-semantics.ts';
import { opsOf, writeProgram } from '../support/small-programs.ts';

const runs = 200;
const loweringRuns = 60;
const nnPasses = passes.filter(({ phase }) => phase === 'nn');

/** Random programs of two inputs, one of which is public; no output depends on that alone. */
function publicPrograms(steps: Parameters<typeof randomPrograms>[0]['steps'], longest: number) {
  return fc
    .tuple(randomPrograms({ steps, twoInputs: true }, longest), fc.constantFrom('x0', 'x1'))
    .map(([program, name]) => markPublicInputs(program, [name]))
    .filter((program) => {
      const flags = publicFlags(program);
      return flags.includes(true) && program.outputs.every(({ value }) => flags[value] === false);
    });
}

/** The one public value that operations of a program read, op by op. */
function readersOf({ operations }: Program): string[] {
  return operations.flatMap(({ op, operands }) =>
    operands.some((operand) => operations[operand]?.attributes['public'] === true)
      ? [op.replace('nn.', '')]
      : [],
  );
}

describe('public inputs', () => {
  it('are split off, and every nn pass keeps the answers', () => {
    const met = { add: 0, mul: 0, split: 0 };
    fc.assert(
      fc.property(publicPrograms(plainSteps, 10), fc.nat(), (source, seed) => {
        let program = source;
        for (const pass of nnPasses) {
          // Weights that cancel may leave an output of public inputs alone.
          if (pass === lowerPublic) {
            const flags = publicFlags(program);
            fc.pre(program.outputs.every(({ value }) => flags[value] === false));
          }
          program = runPass(pass, program).program;
          expectSameAnswers(source, program, seed, 1e-5);
          const text = printProgram(program);
          expect(printProgram(parseProgram(text, allConstants(program)))).toBe(text);
        }
        const readers = readersOf(program);
        expect(readers.filter((op) => op !== 'add' && op !== 'mul')).toEqual([]);
        if (readers.includes('add')) met.add++;
        if (readers.includes('mul')) met.mul++;
        if ((program.publicPart?.operations.length ?? 0) > 1) met.split++;
      }),
      { numRuns: runs, seed: 5 },
    );
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(runs / 10);
  });

  it.each([
    { what: 'one image', options: {} },
    { what: 'a batch in the slots', options: { batch: 16 } },
  ])('$what: every packed and ckks pass keeps the answers', { timeout: 600_000 }, ({ options }) => {
    const counts = checkLowering(publicPrograms(plainSteps, 8), options, {
      runs: loweringRuns,
      seed: 8,
    });
    for (const pass of passes.filter(({ phase }) => phase !== 'nn')) {
      expect(counts.get(pass.name) ?? 0, pass.name).toBeGreaterThanOrEqual(loweringRuns / 3);
    }
  });
});

describe('golden IR of a program with a public input', () => {
  const random = randomSource(6);
  const bytes = encodeModel({
    inputs: { x: [1, 4], p: [1, 3] },
    outputs: ['y'],
    initializers: { w: filled([3, 4], random), v: filled([8, 2], random) },
    nodes: [
      { op: 'MatMul', inputs: ['p', 'w'], outputs: ['q'], name: 'tower' },
      { op: 'Tanh', inputs: ['q'], outputs: ['gate'], name: 'gate' },
      { op: 'Mul', inputs: ['x', 'gate'], outputs: ['m'], name: 'gated' },
      { op: 'Concat', inputs: ['m', 'q'], outputs: ['b'], name: 'both', attributes: { axis: 1 } },
      { op: 'MatMul', inputs: ['b', 'v'], outputs: ['y'], name: 'head' },
    ],
  });

  it.each([
    ['nn', 'lower-public'],
    ['packed', 'lower-linear'],
    ['ckks', 'choose-rotations'],
  ])('%s, after %s', async (phase, stopAfter) => {
    const model = { bytes, name: 'public' };
    const { program } = compileUntil(model, { publicInputs: ['p'], stopAfter, verifyEach: true });
    const file = path.join(import.meta.dirname, `../ir/golden/public.${phase}.ir`);
    await expect(printProgram(program)).toMatchFileSnapshot(file);
  });
});

describe('split-public', () => {
  const marked = (body: Parameters<typeof writeProgram>[0]): Program =>
    markPublicInputs(writeProgram(body), ['p']);

  it('computes activations and linear layers of public inputs in the clear, exactly', () => {
    const program = marked(({ input, add, dense }) => {
      const x = dense(input([1, 4]), 4, 3);
      const p = dense(input([1, 5], [-1, 1], 'p'), 5, 3);
      const gate = add('nn.activation', [p], { function: 'sigmoid', parameters: {} });
      return [add('nn.mul', [x, gate])];
    });
    const { program: split } = runPass(splitPublic, program);
    expect(opsOf(split)).toEqual(['input', 'dense', 'input', 'mul']);
    expect(opsOf(split.publicPart!)).toEqual(['input', 'dense', 'activation']);
    expect(publicInputs(split)).toEqual([{ name: 'p', shape: [1, 5], range: [-1, 1] }]);
    // A sigmoid is between 0 and 1 whatever its argument: the bound is proved.
    expect(split.publicPart?.operations.at(-1)?.type.range?.source).toBe('proved');
  });

  it('subtracts by adding the negative, on the side where it is free', () => {
    const program = marked(({ input, add }) => {
      const [x, p] = [input([1, 4]), input([4], [0, 2], 'p')];
      return [add('nn.sub', [x, p]), add('nn.sub', [p, x])];
    });
    const { program: split } = runPass(splitPublic, program);
    expect(opsOf(split)).not.toContain('sub');
    expect(opsOf(split.publicPart!)).toEqual(['input', 'negate']);
    expectSameAnswers(program, split, 3, 0);
  });

  it('refuses an output that needs no encryption', () => {
    const program = marked(({ input, add }) => {
      const [x, p] = [input([1, 4]), input([1, 4], [0, 1], 'p')];
      return [add('nn.mul', [x, p]), add('nn.negate', [p])];
    });
    const error = errorOf(() => runPass(splitPublic, program));
    expect(error).toMatchObject({ code: 'MODEL_UNSUPPORTED', node: 'y1' });
    expect(error.hint).toMatch(/--public-input/);
  });

  it('refuses the name of no input', () => {
    const error = errorOf(() =>
      markPublicInputs(
        writeProgram(({ input }) => [input([1, 2])]),
        ['q'],
      ),
    );
    expect(error).toMatchObject({ code: 'USAGE', details: { inputs: ['x'] } });
  });
});

describe('lower-public', () => {
  it('computes the public part of a linear map in the clear, its bias too', () => {
    const program = markPublicInputs(
      writeProgram(({ input, add, dense }) => {
        const x = input([1, 4]);
        const p = input([1, 3], [0, 1], 'p');
        return [dense(add('nn.concat', [x, p], { axis: 1 }), 7, 2)];
      }),
      ['p'],
    );
    let lowered = program;
    for (const pass of nnPasses) lowered = runPass(pass, lowered).program;
    expect(opsOf(lowered)).toEqual(['input', 'input', 'linear', 'add']);
    expect(opsOf(lowered.publicPart!)).toEqual(['input', 'linear']);
    expect(lowered.operations[2]?.attributes['bias']).toBeNull();
    expectSameAnswers(program, lowered, 4, 1e-6);
  });

  it('adds to an encrypted value without a level where nothing else is done to it', () => {
    const program = markPublicInputs(
      writeProgram(({ input, add, dense }) => [
        add('nn.add', [input([1, 4]), dense(input([1, 3], [0, 1], 'p'), 3, 4)]),
      ]),
      ['p'],
    );
    let lowered = program;
    for (const pass of nnPasses) lowered = runPass(pass, lowered).program;
    expect(opsOf(lowered)).toEqual(['input', 'input', 'add']);
  });

  it('leaves programs without public inputs alone', () => {
    fc.assert(
      fc.property(randomPrograms({ steps: linearSteps }, 6), (program) => {
        expect(splitPublic.run(program, undefined as never)).toBe(program);
        expect(lowerPublic.run(program, undefined as never)).toBe(program);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps the public part through interpretation of what is missing', () => {
    const program = markPublicInputs(
      writeProgram(({ input, add }) => [add('nn.add', [input([1, 2]), input([2], [0, 1], 'p')])]),
      ['p'],
    );
    const { program: split } = runPass(splitPublic, program);
    const x = { kind: 'tensor', tensor: { shape: [1, 2], data: Float64Array.of(1, 2) } } as const;
    expect(errorOf(() => interpret(split, new Map([['x', x]])))).toMatchObject({
      code: 'INPUT_INVALID',
      node: 'p',
    });
  });
});
