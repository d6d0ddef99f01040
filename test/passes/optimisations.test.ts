/** Optimisations that are left out: programs change, answers do not. */
import { describe, expect, it } from 'vitest';
import { rotationKeys } from '../../src/ir/ckks/rotation-keys.ts';
import { foldRotations } from '../../src/ir/packed/diagonals.ts';
import { methodSchema } from '../../src/ir/packed/linear.ts';
import { operationOf } from '../../src/ir/program.ts';
import type { Program } from '../../src/ir/program.ts';
import { passes } from '../../src/passes/index.ts';
import { optimisationNames } from '../../src/passes/optimisations.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { runPipeline } from '../../src/passes/pipeline.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import { checkLowering } from '../support/lowered-semantics.ts';
import { plainSteps, randomPrograms } from '../support/random-programs.ts';
import { writeProgram } from '../support/small-programs.ts';

const runs = 40;

/** A convolution, an average pool behind it, and two activations between dense layers. */
const network = writeProgram(({ input, add, conv, polynomial, dense }) => {
  const x = input([1, 1, 8, 8]);
  const maps = polynomial(conv(x, 1, 3), [0.1, 0.5, 0.25]);
  const pool = add('nn.average-pool', [maps], {
    kernelShape: [2, 2],
    strides: [2, 2],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    ceilMode: false,
    countIncludePad: false,
  });
  const flat = add('nn.reshape', [pool], { shape: [1, 48] });
  const hidden = polynomial(dense(flat, 48, 32), [0, 0.3, 0.2, 0.1, 0.05]);
  return [dense(hidden, 32, 10)];
});

function lowered(options: Partial<CompileOptions>): Program {
  return runPipeline(network, {
    options: compileOptionsSchema.parse({ precisionBits: 4, ...options }),
    calibration: null,
    warn: () => undefined,
  }).program;
}

const count = (program: Program, op: string): number =>
  program.operations.filter((operation) => operation.op === op).length;

const methods = (program: Program) =>
  program.operations
    .filter(({ op }) => op === 'ckks.linear')
    .map(({ attributes }) => methodSchema.parse(attributes['method']));

describe('programs without an optimisation compute the same', { timeout: 600_000 }, () => {
  it.each([
    ...optimisationNames.map((name) => ({ what: name, options: { disable: [name] } })),
    { what: 'all of them', options: { disable: optimisationNames } },
    { what: 'diagonals', options: { linearMethod: 'diagonals' } },
    { what: 'rotate-and-sum', options: { linearMethod: 'rotate-and-sum' } },
    { what: 'interleaved', options: { packing: 'interleaved', batch: 5 } },
  ] as { what: string; options: Partial<CompileOptions> }[])('$what', ({ options }) => {
    const counts = checkLowering(randomPrograms({ steps: plainSteps }, 6), options, {
      runs,
      seed: 11,
    });
    for (const pass of passes.filter(({ phase }) => phase !== 'nn')) {
      expect(counts.get(pass.name) ?? 0, pass.name).toBeGreaterThanOrEqual(runs / 2);
    }
  });
});

describe('what an optimisation is worth is visible in the program', () => {
  const plain = lowered({});

  it('fuse-linear: the pool stays a matrix of its own', () => {
    const other = lowered({ disable: ['fuse-linear'] });
    expect(count(other, 'ckks.linear')).toBe(count(plain, 'ckks.linear') + 1);
  });

  it('fold-polynomials: coefficients are multiplied', () => {
    const factors = (program: Program) => count(program, 'ckks.multiply-constant');
    expect(factors(lowered({ disable: ['fold-polynomials'] }))).toBeGreaterThan(factors(plain));
  });

  it('giant-steps: none are left', () => {
    expect(methods(plain).some(({ giantStep }) => giantStep > 0)).toBe(true);
    const other = methods(lowered({ disable: ['giant-steps'] }));
    expect(other.every(({ giantStep }) => giantStep === 0)).toBe(true);
  });

  it('hoist-rotations: none are marked', () => {
    // Partial sums leave these small layers no two rotations of one ciphertext.
    const linearMethod = 'diagonals';
    expect(methods(lowered({ linearMethod })).some(({ hoist }) => hoist)).toBe(true);
    const other = methods(lowered({ linearMethod, disable: ['hoist-rotations'] }));
    expect(other.some(({ hoist }) => hoist)).toBe(false);
  });

  it('lazy-rescale and lazy-relinearise: one for each product of a sum', () => {
    const rescales = (program: Program) => count(program, 'ckks.rescale');
    const relins = (program: Program) => count(program, 'ckks.relinearize');
    const eager = lowered({ disable: ['lazy-rescale'] });
    expect(rescales(eager)).toBeGreaterThan(rescales(plain));
    expect(relins(eager)).toBeGreaterThanOrEqual(relins(plain));
    const products = count(plain, 'ckks.multiply') + count(plain, 'ckks.square');
    expect(relins(lowered({ disable: ['lazy-relinearise'] }))).toBe(products);
  });

  it('trim-keys: every rotation key has the whole chain', () => {
    const primes = (program: Program) => rotationKeys(program).rotations.map((key) => key.primes);
    const whole = plain.modulus!.primes.length;
    expect(primes(plain).some((count) => count < whole)).toBe(true);
    const other = lowered({ disable: ['trim-keys'] });
    expect(primes(other).every((count) => count === whole)).toBe(true);
    const steps = (program: Program) => rotationKeys(program).rotations.map(({ step }) => step);
    expect(steps(other)).toEqual(steps(plain));
  });

  it('client-patches: the input holds every pixel in one place, or in whole copies', () => {
    const layoutOf = (program: Program) => {
      const input = program.operations.findIndex(({ op }) => op === 'ckks.input');
      const { type } = operationOf(program, input);
      if (type.kind !== 'ciphertext') throw new Error('an input is a ciphertext');
      return type.layout;
    };
    const axes = layoutOf(lowered({ disable: ['client-patches'] }))
      .digits.map(({ of }) => of)
      .filter((of) => of !== 'copy');
    expect(new Set(axes).size).toBe(axes.length);
  });

  it('linear methods: sums of parts, or none', () => {
    const folds = (program: Program) =>
      methods(program).reduce((sum, { fold }) => sum + foldRotations(fold).length, 0);
    expect(folds(lowered({ linearMethod: 'diagonals' }))).toBe(0);
    expect(folds(lowered({ linearMethod: 'rotate-and-sum' }))).toBeGreaterThan(0);
  });
});
