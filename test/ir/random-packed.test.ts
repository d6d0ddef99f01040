/** Random linear maps and small networks between random layouts, in the packed interpreter. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { interpret } from '../../src/ir/interpret.ts';
import { verify } from '../../src/ir/verify.ts';
import { operationOf } from '../../src/ir/program.ts';
import { pack, unpack } from '../../src/layout/layout.ts';
import { randomImages, randomPacked } from '../support/random-packed.ts';

const runs = 2000;

it('every image has the answer of its matrices', { timeout: 300_000 }, () => {
  const seen = { several: 0, batches: 0, ciphertexts: 0 };
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const packed = randomPacked(seed, 128);
      const { program, reference, outputLayout, batch } = packed;
      verify(program);
      const images = randomImages(packed, seed + 1);
      const { type } = operationOf(program, 0);
      if (type.kind !== 'vector') throw new Error('packed values are vectors');
      const inputs = new Map([
        ['x', { kind: 'vectors' as const, vectors: pack(type.layout, images) }],
      ]);
      const y = interpret(program, inputs).get('y');
      if (y?.kind !== 'vectors') throw new Error('packed values are vectors');
      const rows = unpack(outputLayout, y.vectors, batch);
      images.forEach((image, b) => {
        const want = reference(image);
        const error = want.reduce((most, x, i) => Math.max(most, Math.abs(x - rows[b]![i]!)), 0);
        expect(error).toBeLessThan(1e-12);
      });
      if (program.operations.length > 2) seen.several++;
      if (batch > 1) seen.batches++;
      if (outputLayout.ciphertexts > 1) seen.ciphertexts++;
    }),
    { numRuns: runs, seed: 1 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(runs / 10);
});
