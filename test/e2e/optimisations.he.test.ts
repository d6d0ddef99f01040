/** Fixed strategies and optimisations that are left out, on real ciphertexts, against ONNX Runtime. */
import { describe, test } from 'vitest';
import { optimisationNames } from '../../src/passes/optimisations.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { expectAgreement } from '../support/encrypted-agreement.ts';
import { randomNetwork } from '../support/random-networks.ts';

const cases: readonly (readonly [string, Partial<CompileOptions>, number])[] = [
  ['no optimisation', { disable: optimisationNames }, 1],
  ['keys of the whole chain', { disable: ['trim-keys'] }, 1],
  ['diagonals', { linearMethod: 'diagonals', disable: ['hoist-rotations'] }, 1],
  ['rotate-and-sum', { linearMethod: 'rotate-and-sum' }, 1],
  ['images interleaved', { packing: 'interleaved', batch: 5 }, 5],
  ['feature-major', { packing: 'feature-major', batch: 5 }, 5],
];

describe('a random network agrees to 10 bits', () => {
  test.each(cases)('%s', { timeout: 120_000 }, async (_name, options, images) => {
    const { model } = randomNetwork(3);
    await expectAgreement(model, { seed: 3, images, options });
  });
});
