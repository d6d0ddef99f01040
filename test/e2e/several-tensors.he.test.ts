/** Networks of several inputs and outputs on real ciphertexts, against ONNX Runtime. */
import { describe, test } from 'vitest';
import { expectAgreement } from '../support/encrypted-agreement.ts';
import { randomNetwork } from '../support/random-networks.ts';

describe('random networks of two or three inputs and two to four outputs', () => {
  test.each([1, 2, 3, 4, 5, 6])('agree to 10 bits: %i', { timeout: 120_000 }, async (seed) => {
    const { model } = randomNetwork(seed);
    await expectAgreement(model, { seed, images: 1 });
  });

  test('in a batch', { timeout: 120_000 }, async () => {
    const { model } = randomNetwork(7);
    await expectAgreement(model, { seed: 7, images: 3, options: { batch: 2 } });
  });
});
