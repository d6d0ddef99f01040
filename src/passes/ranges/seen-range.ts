/** Bounds of values from what was seen of them. */
import { CipherloomError } from '../../errors.ts';
import type { ProgramBuilder } from '../../ir/build.ts';
import type { Value } from '../../ir/define-op.ts';
import type { ValueId } from '../../ir/program.ts';
import { magnitude } from '../../ir/types.ts';
import type { Samples } from './samples.ts';

/** A proved range more than this many times what is seen wastes the modulus. */
const uselessProof = 2 ** 16;
/** Values named in an error. */
const namedValues = 8;

/** Least and largest element seen; empty (Infinity, −Infinity) before the first. */
export interface Seen {
  readonly lo: number;
  readonly hi: number;
}

export const nothingSeen: Seen = { lo: Infinity, hi: -Infinity };

export function alsoSeen({ lo, hi }: Seen, value: Value): Seen {
  if (value.kind !== 'tensor') return { lo, hi };
  // An iterator over so many numbers would take most of a calibration.
  value.tensor.data.forEach((x) => {
    if (x < lo) lo = x;
    if (x > hi) hi = x;
  });
  return { lo, hi };
}

export function seenMagnitude({ lo, hi }: Seen): number {
  return lo <= hi ? Math.max(Math.abs(lo), Math.abs(hi)) : 0;
}

/** What was seen, widened on both sides until its magnitude is `margin` times as large. */
export function widened(seen: Seen, margin: number): Seen {
  const extra = (margin - 1) * seenMagnitude(seen);
  return { lo: seen.lo - extra, hi: seen.hi + extra };
}

/**
 * Bound a value just made: a sufficient proof stays, else what was seen times the margin narrows it.
 *
 * A range that follows from calibrated ones is no proof any more and is narrowed always.
 */
export function boundBySeen(
  builder: ProgramBuilder,
  value: ValueId,
  seen: Seen,
  { margin, proofSlack }: Pick<Samples, 'margin' | 'proofSlack'>,
): void {
  const largest = seenMagnitude(seen);
  const { range } = builder.typeOf(value);
  // A value that was always zero says nothing of its magnitude.
  if (!Number.isFinite(largest) || largest === 0) return;
  const proved = range !== null && range.source !== 'calibrated';
  if (proved && magnitude(range) <= proofSlack * largest) return;
  builder.narrow(value, { ...widened(seen, margin), source: 'calibrated' });
}

/** A value whose bounds must be proved, and what was seen of it. */
export interface Unproved {
  readonly node: string | null;
  readonly op: string;
  readonly proved: number;
  readonly seen: number;
}

/** The value as an offence against --require-range-proof, or null where its proof is of use. */
export function unprovedValue(
  builder: ProgramBuilder,
  value: ValueId,
  seen: Seen,
): Unproved | null {
  const { op, location, type } = builder.operation(value);
  const proved = magnitude(type.range);
  const largest = seenMagnitude(seen);
  if (largest === 0 || proved <= uselessProof * largest) return null;
  return { node: location, op, proved, seen: largest };
}

/** Throws RANGE_UNPROVED that lists all values. */
export function refuseUnproved(values: readonly Unproved[]): void {
  const [first] = values;
  if (first === undefined) return;
  const names = values
    .slice(0, namedValues)
    .map(
      ({ node, op, proved, seen }) =>
        `${node ?? op} (proved ${proved.toPrecision(3)}, seen ${seen.toPrecision(3)})`,
    );
  const more = values.length > namedValues ? ` and ${values.length - namedValues} more` : '';
  throw new CipherloomError(
    'RANGE_UNPROVED',
    `the proved range is more than 2^16 times what is seen at ${names.join(', ')}${more}`,
    {
      phase: 'nn',
      node: first.node ?? undefined,
      details: { values },
      hint: 'leave --require-range-proof out to use calibrated ranges, or bound the activations of the model',
    },
  );
}
