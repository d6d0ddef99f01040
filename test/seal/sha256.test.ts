/** Node's hash in turns is that of Web Crypto in one. */
import { expect, test } from 'vitest';
import { formatHash, sha256 } from '../../src/seal/sha256.ts';

test.each([0, 1, 2 ** 24 - 1, 2 ** 24, 2 ** 24 + 1, 2 ** 25 + 3])('%d bytes', async (length) => {
  const bytes = new Uint8Array(length + 5).fill(7).subarray(5);
  bytes.forEach((_, i) => {
    if (i % 4099 === 0) bytes[i] = i;
  });
  const whole = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  expect(formatHash(await sha256(bytes))).toBe(formatHash(whole));
});
