/**
 * What a fold inside the ring leaves in the slots between the outputs: sums of parts that belong to two
 * of them. Nothing reads them, but they must not wrap.
 */
import { boundMap } from '../../ir/linear-map.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { foldsWholeRing } from '../../ir/packed/diagonals.ts';
import { constantOf } from '../../ir/program.ts';
import type { Program, ValueId } from '../../ir/program.ts';
import { magnitude } from '../../ir/types.ts';
import type { Range } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import type { Candidate } from './candidates.ts';

/** Bits that every level adds at least to what a value may be: the smallest waterline. */
const bitsPerLevel = 20;

/** Bound of the leftovers of a linear map: the parts of two outputs, each at its largest. */
export function leftoverBound(
  maps: readonly LinearMap[],
  ranges: readonly (Range | null)[],
): number {
  const [first] = maps;
  if (first === undefined) return 0;
  const sums = new Float64Array(elementCount(first.outShape));
  maps.forEach((map, k) => {
    const most = magnitude(ranges[k] ?? null);
    if (most === 0) return;
    const { hi } = boundMap(map, -most, most);
    for (let o = 0; o < sums.length; o++) sums[o]! += hi[o]!;
  });
  return 2 * sums.reduce((most, sum) => Math.max(most, sum), 0);
}

/**
 * Whether leftovers of a linear map may be: linear maps alone read the value, or its polynomial, and
 * multiply them by zero; no output shows them to the client; and the levels below surely hold them, also
 * once the polynomial has raised them to its degree.
 */
export function leftoversFit(
  program: Program,
  users: readonly (readonly ValueId[])[],
  below: readonly number[],
  value: ValueId,
  bound: number,
): boolean {
  const outputs = new Set(program.outputs.map((output) => output.value));
  const bits = Math.log2(Math.max(1, bound));
  const fits = (id: ValueId, degree: number): boolean =>
    !outputs.has(id) && degree * bits <= bitsPerLevel * (below[id] ?? 0);
  const isMap = (id: ValueId): boolean => program.operations[id]?.op === 'nn.linear';
  if (!fits(value, 1)) return false;
  return (users[value] ?? []).every((user) => {
    if (isMap(user)) return true;
    const reader = program.operations[user];
    const coefficients = reader?.attributes['coefficients'];
    if (reader?.op !== 'nn.polynomial' || typeof coefficients !== 'string') return false;
    const [terms = 1] = constantOf(program.constants, coefficients).shape;
    return fits(user, terms - 1) && (users[user] ?? []).every(isMap);
  });
}

/** Whether sums of parts are left in slots between the elements. */
export function leavesSums({ layout, fold }: Candidate): boolean {
  return fold !== null && !foldsWholeRing(fold, layout.slots);
}
