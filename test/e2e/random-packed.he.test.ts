/** Random linear maps and small networks between random layouts, encrypted in a toy ring. */
import { it } from 'vitest';
import { expectEncryptedAnswers } from '../support/encrypted-packed.ts';

const runs = 20;

it('every image has the answer of its matrices', { timeout: 300_000 }, async () => {
  for (let seed = 0; seed < runs; seed++) await expectEncryptedAnswers(seed);
});
