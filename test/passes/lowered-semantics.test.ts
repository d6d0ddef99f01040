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
  ] as { what: string; options: Partial<CompileOptions> }[])(
    '$what: every pass keeps the answers',
    { timeout: 600_000 },
    ({ options }) => {
      const programs = randomPrograms({ steps: plainSteps }, 8);
      const counts = checkLowering(programs, options, { runs, seed: 7 });
      for (const pass of passes.filter(({ phase }) => phase !== 'nn')) {
        expect(counts.get(pass.name) ?? 0, pass.name).toBeGreaterThanOrEqual(runs / 2);
      }
    },
  );
});
