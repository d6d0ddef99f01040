/** Fewer rotation keys on real ciphertexts: rotations composed of others, against ONNX Runtime. */
import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { compile } from '../../src/index.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { expectAgreement } from '../support/encrypted-agreement.ts';
import { encodeModel } from '../support/onnx-model.ts';
import { randomNetwork } from '../support/random-networks.ts';

const seed = 3;
const { model } = randomNetwork(seed);

async function keysOf(options: Partial<CompileOptions>): Promise<number> {
  const { report } = await compile({ bytes: encodeModel(model), name: 'network' }, { options });
  return report.keyBytes;
}

/** The figure that an impossible budget is refused with. */
async function fewestBytes(): Promise<number> {
  const error: unknown = await keysOf({ maxKeyBytes: 1 }).catch((refused: unknown) => refused);
  if (!(error instanceof CipherloomError)) throw error;
  return Number(error.details['keyBytes']);
}

describe('a random network with fewer keys agrees to 10 bits', { timeout: 120_000 }, () => {
  test.each([
    ['half of the bytes', async () => Math.floor((await keysOf({})) / 2)],
    ['as few bytes as there can be', fewestBytes],
  ])('%s', async (_what, bytes) => {
    const maxKeyBytes = await bytes();
    const options = { maxKeyBytes };
    expect(await keysOf(options)).toBeLessThanOrEqual(maxKeyBytes);
    await expectAgreement(model, { seed, images: 1, options });
  });
});
