import { describe, expect, test } from 'vitest';
import { planSeconds } from '../../../src/backend/cost/program-seconds.ts';
import { prepareProgram } from '../../../src/backend/execute/prepare-program.ts';
import { interpret } from '../../../src/ir/interpret.ts';
import { printProgram } from '../../../src/ir/print.ts';
import type { Program } from '../../../src/ir/program.ts';
import { tensorOf } from '../../../src/ir/nn/values.ts';
import { verify } from '../../../src/ir/verify.ts';
import approximateActivations from '../../../src/passes/approximate-activations.ts';
import calibrateRanges from '../../../src/passes/calibrate-ranges.ts';
import type { JointChoiceNote } from '../../../src/passes/define-pass.ts';
import { compileOptionsSchema } from '../../../src/passes/options.ts';
import type { CompileOptions } from '../../../src/passes/options.ts';
import { runPipeline } from '../../../src/passes/pipeline.ts';
import { randomNumbers } from '../../../src/passes/ranges/random.ts';
import { degreeOf } from '../../../src/ir/polynomial.ts';
import { errorOf } from '../../support/error-of.ts';
import { runPass } from '../../support/pass-context.ts';
import { polynomialsOf, writeProgram } from '../../support/small-programs.ts';

const inputName = 'x0';

/** Two ReLUs between dense layers; four classes. */
const network = writeProgram(({ input, dense, add }) => {
  let x = dense(input([1, 8], [-1, 1]), 8, 12);
  x = dense(add('nn.activation', [x], { function: 'relu', parameters: {} }), 12, 12);
  x = dense(add('nn.activation', [x], { function: 'relu', parameters: {} }), 12, 4);
  return [x];
});

const images = Array.from({ length: 300 }, (_, n) => {
  const random = randomNumbers(n + 1);
  return new Float64Array(8).map(() => 2 * random() - 1);
});

function inputOf(program: Program): string {
  const name = program.operations.find(({ op }) => op === 'nn.input')?.attributes['name'];
  return typeof name === 'string' ? name : inputName;
}

function jointly(
  value: number,
  kind: 'points' | 'kl' = 'points',
  options: Partial<CompileOptions> = {},
): { readonly program: Program; readonly choice: JointChoiceNote } {
  const all = { ...options, accuracyBudget: { kind, value } };
  const calibration = new Map([[inputOf(network), images]]);
  const calibrated = runPass(calibrateRanges, network, all, calibration);
  const { program, notes } = runPass(approximateActivations, calibrated.program, all, calibration);
  const choice = notes.find((note) => note.kind === 'joint-choice');
  if (choice === undefined) throw new Error('the choice is noted');
  return { program, choice };
}

function topOf(program: Program, image: Float64Array<ArrayBuffer>): number {
  const tensor = { shape: [1, 8], data: image };
  const outputs = interpret(program, new Map([[inputOf(program), { kind: 'tensor', tensor }]]));
  const { data } = tensorOf([...outputs.values()][0]);
  return data.indexOf(Math.max(...data));
}

describe('degrees chosen together', () => {
  test('hold the budget in the program that is made, run by the interpreter', () => {
    const { program, choice } = jointly(3);
    verify(program);
    const missed = images.filter((image) => topOf(program, image) !== topOf(network, image));
    expect((100 * missed.length) / images.length).toBeCloseTo(choice.chosen.loss, 10);
    expect(choice.chosen.loss).toBeLessThanOrEqual(3);
    const degrees = polynomialsOf(program).map(({ shape, data }) =>
      degreeOf({ shape, data: new Float64Array(data) }),
    );
    expect(degrees).toEqual(choice.chosen.degrees);
  });

  test('are the cheapest of those measured that hold it, and cost no more than one for all', () => {
    const { choice } = jointly(3);
    for (const { seconds, loss } of choice.candidates) {
      if (loss <= 3) expect(seconds).toBeGreaterThanOrEqual(choice.chosen.seconds);
    }
    expect(choice.chosen.seconds).toBeLessThanOrEqual(choice.uniform?.seconds ?? Infinity);
  });

  test('have the price and the ring of the plan that is made', () => {
    const options = compileOptionsSchema.parse({
      accuracyBudget: { kind: 'points', value: 3 },
      target: 'native',
    });
    const seconds = (program: Program): number => planSeconds(prepareProgram(program), options);
    const { program, ringDegree, notes } = runPipeline(network, {
      options,
      calibration: new Map([[inputOf(network), images]]),
      warn: () => undefined,
      planSeconds: seconds,
    });
    const choice = [...notes.values()].flat().find((note) => note.kind === 'joint-choice');
    expect(choice?.chosen).toMatchObject({ compiled: true, ringDegree, seconds: seconds(program) });
    expect(choice?.uniform?.compiled).toBe(true);
    expect(choice?.chosen.seconds).toBeLessThanOrEqual(choice?.uniform?.seconds ?? 0);
  });

  test('cost more for a smaller budget', () => {
    const [small, large] = [jointly(1), jointly(20)].map(({ choice }) => choice.chosen.seconds);
    expect(small).toBeGreaterThan(large!);
  });

  test('are the same every time', () => {
    const [one, two] = [jointly(3), jointly(3)];
    expect(printProgram(one.program)).toBe(printProgram(two.program));
    expect(one.choice).toEqual(two.choice);
  });

  test('hold a budget of divergence', () => {
    const { choice } = jointly(0.01, 'kl');
    expect(choice.chosen.loss).toBeLessThanOrEqual(0.01);
    expect(choice.chosen.loss).toBeGreaterThan(0);
  });

  test('are refused with the nearest figures where none holds the budget', () => {
    const error = errorOf(() => jointly(1e-12, 'kl'));
    expect(error.code).toBe('ACCURACY_UNREACHABLE');
    expect(error.exit).toBe(4);
    const { nearest, levelsAvailable, layers } = error.details;
    expect(nearest).toBeGreaterThan(1e-12);
    expect(levelsAvailable).toBeGreaterThan(5);
    expect(layers).toHaveLength(5);
    // The hint is one that works.
    const value = Number(/kl:(\S+?),/.exec(error.hint ?? '')?.[1]);
    expect(jointly(value, 'kl').choice.chosen.loss).toBeLessThanOrEqual(value);
  });

  test('of a network too deep for its budget are refused by levels; no plan is tried', () => {
    const deep = writeProgram(({ input, dense, add }) => {
      let x = input([1, 8], [-1, 1]);
      for (let layer = 0; layer < 20; layer++) {
        x = add('nn.activation', [dense(x, 8, 8)], { function: 'relu', parameters: {} });
      }
      return [dense(x, 8, 4)];
    });
    const error = errorOf(() =>
      runPipeline(deep, {
        options: compileOptionsSchema.parse({ accuracyBudget: { kind: 'kl', value: 1e-12 } }),
        calibration: new Map([[inputOf(deep), images.slice(0, 40)]]),
        warn: () => undefined,
        planSeconds: () => {
          throw new Error('a plan was compiled');
        },
      }),
    );
    expect(error).toMatchObject({ code: 'ACCURACY_UNREACHABLE', exit: 4 });
    const { levelsNeeded, levelsAvailable, layers } = error.details;
    expect(levelsNeeded).toBeGreaterThan(20);
    expect(levelsAvailable).toBeGreaterThan(50);
    expect(layers).toHaveLength(41);
    expect(error.message).toContain('levels layer by layer');
  });

  test.each(['minimax', 'composite-sign'] as const)('refuse the fit %s', (activationFit) => {
    const error = errorOf(() => jointly(3, 'points', { activationFit }));
    expect(error).toMatchObject({
      code: 'PARAMETERS_INVALID',
      exit: 2,
      details: { activationFit },
    });
    expect(error.hint).toContain(`--activation-fit ${activationFit} without`);
  });

  test('fit the levels of a ring that is given', () => {
    const error = errorOf(() => jointly(1, 'points', { ringDegree: 4096 }));
    expect(error.code).toBe('LEVELS_EXHAUSTED');
    const { choice } = jointly(20, 'points', { ringDegree: 8192 });
    expect(choice.chosen.ringDegree).toBe(8192);
  });
});
