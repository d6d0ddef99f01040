/** Every packed and ckks pass keeps what random programs compute, whatever stands in unused slots. */
import { describe, expect, it } from 'vitest';
import type { CompileOptions } from '../../src/passes/options.ts';
import { passes } from '../../src/passes/index.ts';
import { checkLowering } from '../support/lowered-semantics.ts';
import { plainSteps, randomPrograms } from '../support/random-programs.ts';

const runs = 200;

describe('packed and ckks passes on random programs', () => {
  it.each([
    { what: 'one image', options: {} },
    { what: 'a batch in the slots', options: { batch: 16, packing: 'feature-major' } },
    { what: 'a batch interleaved', options: { batch: 16, packing: 'interleaved' } },
    { what: 'one image, rescales shared', options: {}, shareRescales: true },
    {
      what: 'a batch in the slots, rescales shared',
      options: { batch: 16, packing: 'feature-major' },
      shareRescales: true,
    },
  ] as { what: string; options: Partial<CompileOptions>; shareRescales?: boolean }[])(
    '$what: every pass keeps the answers',
    { timeout: 600_000 },
    ({ options, shareRescales = false }) => {
      const programs = randomPrograms({ steps: plainSteps }, 8);
      const counts = checkLowering(programs, options, { runs, seed: 7, shareRescales });
      // Where rescales are shared, more programs are refused: of wide ranges, or of unlike levels.
      const least = shareRescales ? runs / 8 : runs / 2;
      for (const pass of passes.filter(({ phase }) => phase !== 'nn')) {
        expect(counts.get(pass.name) ?? 0, pass.name).toBeGreaterThanOrEqual(least);
      }
    },
  );
});
