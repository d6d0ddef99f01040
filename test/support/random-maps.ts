/** Random linear maps of few segments with several loops: runs, overlaps, backward walks. */
import type { LinearMap, Segment } from '../../src/ir/linear-map.ts';
import { elementCount } from '../../src/layout/layout.ts';
import { randomSource, randomValues } from './random.ts';

/** A map between shapes; some of its weights are zero. */
export function randomSegmentMap(
  inShape: readonly number[],
  outShape: readonly number[],
  seed: number,
): LinearMap {
  const random = randomSource(seed);
  const integer = (lo: number, hi: number): number => lo + Math.floor(random() * (hi - lo + 1));
  const sizes = { input: elementCount(inShape), out: elementCount(outShape), weight: 6 };
  const weights = randomValues(random, sizes.weight).map((value) => (random() < 0.2 ? 0 : value));
  const segments = Array.from({ length: integer(1, 4) }, (): Segment => {
    const low = { out: 0, input: 0, weight: 0 };
    const high = { out: 0, input: 0, weight: 0 };
    const loops: Segment['loops'][number][] = [];
    for (let n = integer(0, 4); n > 0; n--) {
      // Two axes that move together, or a sum; what would not fit stays where it is.
      const together = random() < 0.6 ? integer(1, 3) : null;
      const loop = {
        count: integer(1, 6),
        out: together ?? (random() < 0.4 ? 0 : integer(-4, 4)),
        input: together === null || random() < 0.3 ? integer(-4, 4) : together,
        weight: random() < 0.6 ? 0 : integer(-1, 2),
      };
      for (const field of ['out', 'input', 'weight'] as const) {
        const reach = (loop.count - 1) * loop[field];
        const width = high[field] - low[field] + Math.abs(reach);
        if (width >= sizes[field]) loop[field] = 0;
        else if (reach < 0) low[field] += reach;
        else high[field] += reach;
      }
      loops.push(loop);
    }
    const start = (field: 'out' | 'input' | 'weight'): number =>
      integer(-low[field], sizes[field] - 1 - high[field]);
    return { out: start('out'), input: start('input'), weight: start('weight'), loops };
  });
  return { inShape, outShape, weights, segments };
}
