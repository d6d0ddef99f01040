import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sha256 } from '../../src/client/sha256-stream.ts';
import { formatHash, sha256 } from '../../src/seal/sha256.ts';

test('the hash of pieces is that of the whole', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(pieces, async (parts) => {
      const hash = new Sha256();
      for (const part of parts) hash.update(part);
      const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
      expect(formatHash(hash.digest())).toBe(formatHash(await sha256(whole)));
    }),
  );
});

test.each([0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 2 ** 20 + 3])(
  '%d bytes',
  async (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * i) >> 3);
    const hash = new Sha256();
    hash.update(bytes);
    expect(formatHash(hash.digest())).toBe(formatHash(await sha256(bytes)));
  },
);
