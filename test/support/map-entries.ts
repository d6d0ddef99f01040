/** The entries of a linear map one by one, as its definition says: what runs are compared with. */
import type { LinearMap } from '../../src/ir/linear-map.ts';

export type Entry = readonly [out: number, input: number, weight: number];

/** Entries in the order of the segments and their loops. */
export function entriesOf({ segments }: Pick<LinearMap, 'segments'>): Entry[] {
  return segments.flatMap(({ out, input, weight, loops }) =>
    loops.reduce<Entry[]>(
      (list, loop) =>
        list.flatMap(([o, i, w]) =>
          Array.from({ length: loop.count }, (_, n): Entry => [
            o + n * loop.out,
            i + n * loop.input,
            w + n * loop.weight,
          ]),
        ),
      [[out, input, weight]],
    ),
  );
}
