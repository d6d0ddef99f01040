/** Random linear maps and small networks between random layouts, encrypted in a toy ring. */
import { it } from 'vitest';
import { expectEncryptedAnswers } from '../support/encrypted-packed.ts';

const runs = 250;
const perTest = 25;
const firsts = Array.from({ length: runs / perTest }, (_, k) => k * perTest);

it.each(firsts)(
  'every image has its answer: seeds from %i on',
  { timeout: 900_000 },
  async (first) => {
    for (let seed = first; seed < first + perTest; seed++) await expectEncryptedAnswers(seed);
  },
);
