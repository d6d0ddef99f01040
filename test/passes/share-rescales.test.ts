import { describe, expect, it } from 'vitest';
import { compile } from '../../src/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { modulusBits } from '../../src/layout/security.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { errorOf } from '../support/error-of.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import { sharedLevels } from '../../src/passes/params/shared-rescales.ts';
import { lowerAnd, slotContext, slotOps, writeSlots } from '../support/slot-programs.ts';
import type { SlotWriter } from '../support/slot-programs.ts';
import { squaresNetwork } from '../support/squares-network.ts';

const sharing = { ...slotContext({}, 4096), shareRescales: true };

function placed(body: (writer: SlotWriter) => readonly number[]): string[] {
  return slotOps(lowerAnd(writeSlots(body), [placeRescales, placeRelins], sharing));
}

describe('a shared rescale', () => {
  it('is that of the linear map behind a product', () => {
    expect(
      placed(({ input, mul, linear }) => {
        const x = linear([input()]);
        return [linear([mul(x, x)])];
      }),
    ).toEqual(['input', 'linear', 'rescale', 'square', 'relinearize', 'linear', 'rescale']);
  });

  it('serves a sum of products, which is relinearised once for all its maps', () => {
    expect(
      placed(({ input, add, mul, linear }) => {
        const [x, y] = [input('x'), input('y')];
        const sum = add(mul(x, y), mul(x, x));
        return [linear([sum]), linear([sum])];
      }).slice(2),
    ).toEqual([
      'multiply',
      'square',
      'add',
      'relinearize',
      'linear',
      'rescale',
      'linear',
      'rescale',
    ]);
  });

  it('is none where something else reads the product', () => {
    expect(
      placed(({ input, add, mul, linear }) => {
        const x = input();
        const square = mul(x, x);
        return [add(linear([square]), square)];
      }),
    ).toEqual(['input', 'square', 'relinearize', 'rescale', 'linear', 'rescale', 'add']);
  });

  it('needs a level of its own kind: products that are rescaled there alone are refused', () => {
    const program = lowerAnd(
      writeSlots(({ input, mul, add, linear }) => {
        const [x, y] = [input('x'), input('y')];
        return [add(linear([mul(x, x)]), mul(y, y))];
      }),
      [placeRescales, placeRelins, budgetLevels],
      sharing,
    );
    const error = errorOf(() => sharedLevels(program));
    expect(error.code).toBe('PARAMETERS_INFEASIBLE');
    expect(error.details).toEqual({ level: 1 });
  });

  it('is found once, however often a value is added to itself', () => {
    const program = lowerAnd(
      writeSlots(({ input, add, mul, linear }) => {
        const x = input();
        let sum = mul(x, x);
        for (let n = 0; n < 60; n++) sum = add(sum, sum);
        return [linear([sum])];
      }),
      [placeRescales, placeRelins, budgetLevels],
      sharing,
    );
    expect([...sharedLevels(program).levels]).toEqual([1]);
  });
});

describe('a plan that shares rescales', () => {
  const made = (options: Partial<CompileOptions>): Promise<CompiledModel> =>
    compile(squaresNetwork, { options });
  const bits = ({ program }: CompiledModel): number[] =>
    program.modulus!.primes.map((prime) => Math.round(modulusBits([prime])));

  it.each([
    ['a batch in the slots', { packing: 'feature-major', batch: 16, precisionBits: 6 }],
    [
      'a batch in the slots, native',
      { packing: 'feature-major', batch: 16, precisionBits: 6, target: 'native' },
    ],
    ['one image, native', { ringDegree: 16384, precisionBits: 3, target: 'native' }],
  ] as const)('has fewer primes: %s', async (_, options) => {
    const shared = await made(options);
    const alone = await made({ ...options, disable: ['share-rescales'] });
    expect(alone.program.modulus?.primes).toHaveLength(6);
    expect(shared.program.modulus?.primes).toHaveLength(4);
    const [base = 0, one = 0, two = 0, top = 0] = bits(shared);
    // q_0, two that hold the weights besides, one for the map of the inputs.
    expect(base).toBe(top + 2);
    expect(one).toBe(two);
    expect(one).toBeGreaterThan(top + 8);
    expect(one).toBeLessThan(50);
    expect(shared.report.precisionBits).toBeGreaterThanOrEqual(options.precisionBits);
    expect(shared.report.modelledSeconds ?? NaN).toBeLessThan(alone.report.modelledSeconds ?? NaN);
  });

  it('relinearises the sums of a map that rotates nothing, where they are fewer than the products', async () => {
    const batch = { packing: 'feature-major', batch: 16, precisionBits: 6 } as const;
    const behind = ({ program }: CompiledModel): (string | undefined)[] =>
      program.operations
        .filter(({ op }) => op === 'ckks.relinearize')
        .map(({ operands }) => program.operations[operands[0] ?? -1]?.op);
    // Six products are summed to five, five to three: beside SEAL's products one switch saves little.
    expect(behind(await made(batch))).toEqual(['ckks.square', 'ckks.linear']);
    expect(behind(await made({ ...batch, target: 'native' }))).toEqual([
      'ckks.linear',
      'ckks.linear',
    ]);
    const early = await made({ ...batch, disable: ['lazy-relinearise'] });
    expect(behind(early)).toEqual(['ckks.square', 'ckks.square']);
    const late = await made(batch);
    expect(late.report.modelledSeconds ?? NaN).toBeLessThan(early.report.modelledSeconds ?? NaN);
    const image = { ringDegree: 16384, precisionBits: 3, target: 'native' } as const;
    expect(behind(await made(image))).toEqual(['ckks.square', 'ckks.square']);
  });

  it('charges a map the relinearisations that it moves, and never less than nothing', async () => {
    const batch = { packing: 'feature-major', batch: 16, precisionBits: 6 } as const;
    const maps = ({ report }: CompiledModel): number[] =>
      report.choices.slice(1).map(({ chosen, candidates }) => {
        for (const { seconds } of candidates) expect(seconds).toBeGreaterThan(0);
        return candidates.find(({ name }) => name === chosen)?.seconds ?? NaN;
      });
    const [first, ...others] = maps(await made({ ...batch, target: 'native' }));
    const [same, ...alone] = maps(
      await made({ ...batch, target: 'native', disable: ['lazy-relinearise'] }),
    );
    // It reads no products; the others switch keys besides, which takes most of their time.
    expect(first).toBe(same);
    expect(others).toHaveLength(2);
    for (const [k, seconds] of others.entries()) expect(seconds).toBeGreaterThan(2 * alone[k]!);
  });

  it('is not made where the precision leaves the weights too few bits', async () => {
    const precise = { packing: 'feature-major', batch: 16, precisionBits: 14 } as const;
    expect((await made(precise)).program.modulus?.primes).toHaveLength(6);
  });
});
