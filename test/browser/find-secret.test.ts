import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { findSecret } from './find-secret.ts';

const secret = randomBytes(4096);
const around = (text: Buffer | string): Buffer =>
  Buffer.concat([randomBytes(5000), Buffer.from(text), randomBytes(5000)]);

test('bytes that have nothing of the secret', () => {
  expect(findSecret(randomBytes(2 ** 20), secret)).toEqual([]);
});

test.each([
  ['as it is', around(secret)],
  ['a part of it', around(secret.subarray(1000, 1700))],
  ['in hex', around(secret.toString('hex'))],
  ['in upper-case hex', around(secret.toString('hex').toUpperCase())],
  ['in base64', around(secret.toString('base64'))],
  ['in base64, one byte later', around(Buffer.concat([Buffer.of(1), secret]).toString('base64'))],
  [
    'in base64url, two later',
    around(Buffer.concat([Buffer.of(1, 2), secret]).toString('base64url')),
  ],
])('a secret %s is found', (_, trace) => {
  expect(findSecret(trace, secret)).not.toEqual([]);
});
