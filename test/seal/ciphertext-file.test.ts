import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import {
  ciphertextFileBytes,
  readCiphertextFile,
  writeCiphertextFile,
  type CiphertextFileForm,
} from '../../src/seal/index.ts';
import { toyPlanHash } from './toy-parameters.ts';

const form: CiphertextFileForm = {
  kind: 'inputs',
  planHash: toyPlanHash,
  batch: 3,
  tensors: [
    { name: 'image', ciphertexts: 2, blobBytes: 40 },
    { name: 'höhe/1', ciphertexts: 1, blobBytes: 24 },
  ],
};

function blobs(images: number): Uint8Array[][][] {
  let next = 1;
  return Array.from({ length: Math.ceil(images / form.batch) }, () =>
    form.tensors.map(({ ciphertexts, blobBytes }) =>
      Array.from({ length: ciphertexts }, () => new Uint8Array(blobBytes).fill(next++)),
    ),
  );
}

test.each([1, 3, 4, 7])('%i images survive the round trip', async (images) => {
  const executions = blobs(images);
  const file = await writeCiphertextFile(form, images, executions);
  expect(file.length).toBe(ciphertextFileBytes(form, images));
  expect(await readCiphertextFile(file, form)).toEqual({ images, executions });
});

async function refusal(file: Uint8Array<ArrayBuffer>, as = form): Promise<CipherloomError | null> {
  try {
    await readCiphertextFile(file, as);
    return null;
  } catch (error) {
    if (error instanceof CipherloomError) return error;
    throw error;
  }
}

describe('refused by name', () => {
  const file = writeCiphertextFile(form, 4, blobs(4));
  const word = (offset: number, value: number) => (view: DataView) => {
    view.setUint32(offset, value, true);
  };
  test.each([
    ['magic', word(0, 0), 'CIPHERTEXT_INVALID', /not a ciphertext file/],
    ['version', word(8, 2), 'CIPHERTEXT_INVALID', /format version is 2, expected 1/],
    ['kind', word(12, 2), 'CIPHERTEXT_INVALID', /kind \(1: inputs\) is 2/],
    ['plan', word(16, 0), 'PLAN_MISMATCH', /belongs to plan 000000000405/],
    ['length', word(48, 1), 'CIPHERTEXT_INVALID', /it states 1 bytes/],
    ['no images', word(56, 0), 'CIPHERTEXT_INVALID', /number of images is 0/],
    ['2^32 − 1 images', word(56, 2 ** 32 - 1), 'CIPHERTEXT_INVALID', /number of images/],
    [
      'more images than executions',
      word(56, 7),
      'CIPHERTEXT_INVALID',
      /executions is 2, expected 3/,
    ],
    ['executions', word(60, 9), 'CIPHERTEXT_INVALID', /executions is 9/],
    ['tensors', word(64, 1), 'CIPHERTEXT_INVALID', /tensors is 1, expected 2/],
    ['reserved', word(68, 1), 'CIPHERTEXT_INVALID', /reserved/],
    ['name length', word(72, 2 ** 31), 'CIPHERTEXT_INVALID', /name length of tensor 0/],
    ['number of ciphertexts', word(76, 1), 'CIPHERTEXT_INVALID', /ciphertexts of image is 1/],
    ['bytes of a ciphertext', word(80, 41), 'CIPHERTEXT_INVALID', /has 41 bytes, expected 40/],
    ['name', word(88, 0), 'CIPHERTEXT_INVALID', /not named "image"/],
    ['content', word(200, 0), 'CIPHERTEXT_INVALID', /checksum/],
  ] as const)('%s', async (_name, change, code, message) => {
    const copy = (await file).slice();
    change(new DataView(copy.buffer));
    const error = await refusal(copy);
    expect(error?.code).toBe(code);
    expect(error?.message).toMatch(message);
  });

  test('every length but the right one', async () => {
    const good = await file;
    for (let length = 0; length < good.length + 8; length++) {
      if (length === good.length) continue;
      const bytes = new Uint8Array(length);
      bytes.set(good.subarray(0, length));
      const code = (await refusal(bytes))?.code;
      expect(code, `${length} bytes`).toMatch(/^CIPHERTEXT_(TRUNCATED|INVALID)$/);
    }
  });

  test('every bit', async () => {
    const good = await file;
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length * 8 - 1), async (bit) => {
        const copy = good.slice();
        copy[bit >> 3]! ^= 1 << (bit & 7);
        expect(await refusal(copy)).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });
});
