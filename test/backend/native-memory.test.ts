import { expect, test } from 'vitest';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { nativeMemory } from '../../src/backend/native/native-memory.ts';
import { defineProgram } from '../../src/frontend/dsl/index.ts';
import { compile } from '../../src/index.ts';

const size = 32;
const matrix = Array.from({ length: size }, (_, i) =>
  Array.from({ length: size }, (_row, j) => (1 + ((i + 2 * j) % 5)) / (4 * size)),
);
const network = defineProgram('two-layers', ({ input }) => {
  const x = input('x', [size], { range: [0, 1] });
  return { y: x.dense(matrix).square().dense(matrix) };
});

/** Bits of the primes with which residues are packed. */
function bitsOf(primes: readonly bigint[]): number[] {
  return primes.map((prime) => prime.toString(2).length);
}

test.each(['portable', 'native'] as const)(
  'packed keys take the bits of their primes, and nothing else changes (%s)',
  async (target) => {
    const { program } = await compile(network, { options: { target } });
    const prepared = prepareProgram(program);
    const words = nativeMemory(prepared);
    const packed = nativeMemory(prepared, { packed: true });
    const bits = bitsOf([...program.modulus!.primes, ...program.modulus!.specialPrimes]);
    // Each kind of residue shrinks by a share between that of the smallest prime and the largest.
    for (const part of ['keyBytes', 'plaintextBytes'] as const) {
      expect(words[part]).toBeGreaterThan(0);
      expect(packed[part] / words[part]).toBeGreaterThanOrEqual(Math.min(...bits) / 64);
      expect(packed[part] / words[part]).toBeLessThanOrEqual(Math.max(...bits) / 64);
    }
    const { keyBytes, plaintextBytes } = words;
    expect({ ...packed, keyBytes, plaintextBytes }).toEqual(words);
  },
);
