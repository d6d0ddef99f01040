/** The argument that a fit takes: the value itself, or shifted and scaled to −1 … 1. */
import type { ProgramBuilder } from '../../ir/build.ts';
import type { ValueId } from '../../ir/program.ts';
import { scalar } from '../../ir/tensor.ts';
import { magnitude } from '../../ir/types.ts';
import { leastChebyshevDegree } from '../packing/chebyshev-form.ts';

/** The argument of a polynomial: u = (x − centre) / half. */
export interface Line {
  readonly centre: number;
  readonly half: number;
  readonly of: (x: number) => number;
  readonly at: (u: number) => number;
}

/** The argument as it is. */
export const wholeLine: Line = { centre: 0, half: 1, of: (x) => x, at: (u) => u };

/**
 * −1 … 1 for polynomials that may be evaluated in Chebyshev's, which need all of the interval; lower
 * degrees take the argument as it is.
 */
export function lineOf([lo, hi]: readonly [number, number], degree: number): Line {
  if (degree < leastChebyshevDegree) return wholeLine;
  const centre = lo === -hi ? 0 : (lo + hi) / 2;
  const half = (hi - lo) / 2;
  return { centre, half, of: (x) => (x - centre) / half, at: (u) => centre + half * u };
}

/** The argument; a linear map in front takes shift and factor for nothing, elsewhere they take a level. */
export function writeLine(
  builder: ProgramBuilder,
  x: ValueId,
  { centre, half }: Line,
  proved: boolean,
  location: string | null,
): ValueId {
  let u = x;
  // As far as the fit reaches: a wider range would leave a part of it for the argument.
  const narrow = (reach: number): void => {
    if (proved || magnitude(builder.typeOf(u).range) <= reach * (1 + 1e-9)) return;
    builder.narrow(u, { lo: -reach, hi: reach, source: 'calibrated' });
  };
  if (centre !== 0) {
    const value = builder.constant(scalar(-centre), 'centre');
    u = builder.add('nn.add-constant', [u], { value }, { location });
    narrow(half);
  }
  if (half !== 1) {
    const factor = builder.constant(scalar(1 / half), 'normalise');
    u = builder.add('nn.scale', [u], { factor }, { location });
    narrow(1);
  }
  return u;
}
