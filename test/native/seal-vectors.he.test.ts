import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { vectorCases, vectorLines } from './seal-vectors.ts';

describe("SEAL's values for the native evaluator", () => {
  test.each(vectorCases.filter(({ ringDegree }) => ringDegree <= 4096))(
    'are those in the file: N = $ringDegree, primes of $bits bits',
    async (vectorCase) => {
      const file = new URL('../../native/test-vectors/seal.txt', import.meta.url);
      const lines = await vectorLines(vectorCase);
      expect(await readFile(file, 'utf8')).toContain(`${lines.join('\n')}\n`);
    },
  );
});
