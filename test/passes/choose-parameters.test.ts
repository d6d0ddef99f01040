import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/ir/program.ts';
import { log2 } from '../../src/ir/rational.ts';
import { estimateSecurityBits, maxModulusBits, modulusBits } from '../../src/layout/security.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { chooseChain, waterlineBitsOf } from '../../src/passes/params/chain.ts';
import { isPrime } from '../../src/passes/params/is-prime.ts';
import { runPipeline } from '../../src/passes/pipeline.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { errorOf } from '../support/error-of.ts';
import { writeProgram } from '../support/small-programs.ts';
import { lowerAnd, slotContext, writeSlots } from '../support/slot-programs.ts';

/** Two levels: a square between linear maps would take three. */
function twoLevels(options: Partial<CompileOptions>, ringDegree: number): Program {
  const source = writeSlots(({ input, mul }) => {
    const x = input();
    const square = mul(x, x);
    return [mul(square, square)];
  });
  const passes = [placeRescales, placeRelins, budgetLevels, chooseParameters];
  return lowerAnd(source, passes, slotContext(options, ringDegree));
}

const options = (given: Partial<CompileOptions> = {}) => compileOptionsSchema.parse(given);

describe('a chosen chain', () => {
  it('has usable primes, distinct, inside the table, and the largest waterline that fits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.constantFrom(16384, 32768, 65536),
        (levels, ringDegree) => {
          const given = options({ precisionBits: 4 });
          const { modulus, waterlineBits } = chooseChain(levels, { ringDegree, options: given });
          const { primes, specialPrimes } = modulus;
          const all = [...primes, ...specialPrimes];
          expect(primes).toHaveLength(levels + 1);
          expect(specialPrimes).toHaveLength(1);
          expect(new Set(all).size).toBe(all.length);
          for (const prime of all) {
            expect(isPrime(prime)).toBe(true);
            expect(prime % BigInt(2 * ringDegree)).toBe(1n);
            expect(prime).toBeLessThan(2n ** 50n);
          }
          expect(modulusBits(all)).toBeLessThanOrEqual(maxModulusBits(ringDegree, 128));
          expect(estimateSecurityBits(ringDegree, modulusBits(all))).toBeGreaterThanOrEqual(126);
          expect(waterlineBits).toBe(waterlineBitsOf(modulus));
          // One bit more a prime would not fit: in the table, or in the 49 bits of the special prime.
          const more = (levels + 2) * (waterlineBits + 1) + 12;
          expect(waterlineBits === 39 || more > maxModulusBits(ringDegree, 128)).toBe(true);
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('that does not fit is refused with the numbers and a larger ring', () => {
    const error = errorOf(() => chooseChain(8, { ringDegree: 4096, options: options() }));
    expect(error.code).toBe('PARAMETERS_INFEASIBLE');
    expect(error.exit).toBe(4);
    expect(error.details).toEqual({ levels: 8, ringDegree: 4096, maxLogQP: 106 });
    expect(error.hint).toContain('--ring-degree 8192');
  });
});

describe('--prime-bits', () => {
  it('A1: a prime of 61 or 19 bits is a usage error', () => {
    for (const bits of [61, 19, 0, -5]) {
      const error = errorOf(() => twoLevels({ primeBits: [50, bits, 40, 60] }, 16384));
      expect(error.code).toBe('PARAMETERS_INVALID');
      expect(error.exit).toBe(2);
      expect(error.details).toEqual({ bits, min: 20, max: 60 });
    }
  });

  it('A1: the primes of 20 bits at N = 65536 run out', () => {
    const error = errorOf(() =>
      chooseChain(8, {
        ringDegree: 65536,
        options: options({ primeBits: [60, ...new Array<number>(8).fill(20), 60] }),
      }),
    );
    expect(error.code).toBe('PARAMETERS_INFEASIBLE');
    expect(error.exit).toBe(4);
    expect(error.details).toMatchObject({ bits: 20, ringDegree: 65536, found: 0, count: 1 });
    expect(error.hint).toContain('--prime-bits');
  });

  it('A1: duplicates never', () => {
    const sizes = fc.array(fc.integer({ min: 40, max: 45 }), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(sizes, (primeBits) => {
        const given = options({ primeBits, insecure: true });
        const { modulus } = chooseChain(primeBits.length - 2, { ringDegree: 8192, options: given });
        const all = [...modulus.primes, ...modulus.specialPrimes];
        expect(new Set(all).size).toBe(primeBits.length);
        // In the order listed, each of just the size asked for.
        all.forEach((prime, k) => {
          expect(prime.toString(2)).toHaveLength(primeBits[k]!);
        });
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it.each([3000, 2048, 131072, 4095])('A1: ring degree %i is a usage error', (ringDegree) => {
    const program = writeProgram(({ input, dense }) => [dense(input([1, 4]), 4, 2)]);
    const error = errorOf(() =>
      runPipeline(program, {
        options: options({ ringDegree }),
        calibration: null,
        warn: () => undefined,
      }),
    );
    expect(error.code).toBe('PARAMETERS_INVALID');
    expect(error.exit).toBe(2);
    expect(error.details['allowed']).toEqual([4096, 8192, 16384, 32768, 65536]);
  });

  it('A2: the limit of the table is accepted, one bit more refused, with --insecure accepted', () => {
    const limit = [60, 47, 47, 60];
    expect(twoLevels({ primeBits: limit }, 8192).modulus?.primes).toHaveLength(3);
    const over = [60, 47, 48, 60];
    const error = errorOf(() => twoLevels({ primeBits: over }, 8192));
    expect(error.code).toBe('PARAMETERS_INSECURE');
    expect(error.exit).toBe(6);
    expect(error.details).toMatchObject({ ringDegree: 8192, limit: 214, target: 128 });
    expect(Number(error.details['logQP'])).toBeGreaterThan(214.9);
    expect(error.hint).toContain('--insecure');
    const { modulus } = twoLevels({ primeBits: over, insecure: true }, 8192);
    expect(modulusBits([...modulus!.primes, ...modulus!.specialPrimes])).toBeGreaterThan(214.9);
  });

  it('A2: 192 and 256 bits have their own limits', () => {
    expect(
      errorOf(() => twoLevels({ primeBits: [40, 34, 34, 40], security: 192 }, 8192)).exit,
    ).toBe(6);
    expect(twoLevels({ primeBits: [40, 33, 34, 40], security: 192 }, 8192).modulus).not.toBeNull();
  });

  it('too few primes: LEVELS_EXHAUSTED with the numbers', () => {
    const error = errorOf(() => twoLevels({ primeBits: [50, 40, 60] }, 16384));
    expect(error.code).toBe('LEVELS_EXHAUSTED');
    expect(error.exit).toBe(4);
    expect(error.details).toEqual({ given: 3, needed: 4, levels: 2 });
  });

  it('too many primes are refused too: they would only cost', () => {
    const error = errorOf(() => twoLevels({ primeBits: [50, 40, 40, 40, 60] }, 16384));
    expect(error.code).toBe('PARAMETERS_INVALID');
    expect(error.details).toEqual({ given: 5, needed: 4, levels: 2 });
  });
});

describe('M14: a model deeper than the largest ring', () => {
  it('is refused with the levels needed and available and the node where they run out', () => {
    const depth = 70;
    const program = writeProgram(({ input, dense, polynomial }) => {
      let x = dense(input([1, 2], [-1, 1]), 2, 2);
      for (let k = 0; k < depth; k++) x = polynomial(x, [0, 0, 1]);
      return [x];
    });
    const error = errorOf(() =>
      runPipeline(program, { options: options(), calibration: null, warn: () => undefined }),
    );
    expect(error.code).toBe('LEVELS_EXHAUSTED');
    expect(error.exit).toBe(4);
    const { levelsNeeded, levelsAvailable, ringDegree } = error.details as Record<string, number>;
    expect(levelsNeeded).toBeGreaterThanOrEqual(depth);
    expect(ringDegree).toBe(65536);
    // 1747 bits at 30 or so a level.
    expect(levelsAvailable).toBeGreaterThan(40);
    expect(levelsAvailable).toBeLessThan(60);
    expect(error.node).toMatch(/^polynomial\d+$/);
    // Behind this node there are still as many levels as there are.
    expect(depth - Number(error.node?.replace('polynomial', ''))).toBeGreaterThanOrEqual(
      levelsAvailable! - 1,
    );
    expect(error.hint).toContain('fewer layers');
    // Layer by layer: what each takes and what is left behind it.
    const layers = error.details['layers'] as readonly Record<string, number>[];
    const needed = layers.map(({ levels, levelsBehind }) => levels! + levelsBehind!);
    expect(needed[0]).toBe(levelsNeeded);
    expect([...needed.slice(1), 0]).toEqual(layers.map(({ levelsBehind }) => levelsBehind));
    expect(error.message).toContain(`\n  dense0: 1, then ${levelsNeeded! - 1}\n`);
  });

  it('names an activation degree that fits, where there is one', () => {
    const program = writeProgram(({ input, dense, polynomial }) => {
      let x = dense(input([1, 2], [-1, 1]), 2, 2);
      for (let k = 0; k < 25; k++) x = dense(polynomial(x, [0.1, 0.5, 0.2, 0.1, 0.05]), 2, 2);
      return [x];
    });
    const error = errorOf(() =>
      runPipeline(program, { options: options(), calibration: null, warn: () => undefined }),
    );
    expect(error.code).toBe('LEVELS_EXHAUSTED');
    expect(error.hint).toMatch(/^--activation-degree 2 needs about 51 levels$/);
  });
});

describe('headroom', () => {
  it.each([
    ['a sum of inputs', 12, 1],
    ['a product', 7, 2],
  ])('q_0 grows for the range of %s', (_, bound, power) => {
    const program = writeProgram(({ input, add }) => {
      const [a, b] = [input([4], [-bound, bound], 'a'), input([4], [-bound, bound], 'b')];
      const sum = add('nn.add', [a, b]);
      return [power === 1 ? sum : add('nn.mul', [sum, b])];
    });
    const { program: lowered } = runPipeline(program, {
      options: options(),
      calibration: null,
      warn: () => undefined,
      verifyEach: true,
    });
    const [output] = lowered.outputs;
    const { type } = lowered.operations[output!.value]!;
    if (type.kind !== 'ciphertext' || type.scale === null || type.level === null) {
      throw new Error('the output has level and scale');
    }
    const primes = lowered.modulus!.primes.slice(0, type.level + 1);
    const largest = 2 * bound ** power;
    expect(Math.log2(largest) + log2(type.scale)).toBeLessThan(modulusBits(primes) - 1);
    expect(
      modulusBits([...lowered.modulus!.primes, ...lowered.modulus!.specialPrimes]),
    ).toBeLessThan(maxModulusBits(lowered.modulus!.ringDegree, 128));
  });

  it('ends where no waterline is left', () => {
    const program = writeProgram(({ input, add }) => {
      const x = input([4], [-1e18, 1e18], 'x');
      return [add('nn.add', [x, x])];
    });
    const error = errorOf(() =>
      runPipeline(program, { options: options(), calibration: null, warn: () => undefined }),
    );
    expect(['RANGE_TOO_LARGE', 'PARAMETERS_INFEASIBLE', 'PRECISION_UNREACHABLE']).toContain(
      error.code,
    );
  });
});
