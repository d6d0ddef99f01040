/** Polynomials follow a function inside its domain only. */
import type { Operation } from '../../ir/program.ts';
import { unsupportedNodes } from '../unsupported-nodes.ts';
import { domainText } from './element-functions.ts';
import type { ElementFunction } from './element-functions.ts';

/** Throws MODEL_UNSUPPORTED where the range of a fit leaves the domain of a function. */
export function refuseOutside(
  operation: Operation,
  functions: readonly ElementFunction[],
  range: readonly [number, number],
): void {
  for (const { left } of functions) {
    const outside = left(range);
    if (outside === null) continue;
    const interval = (ends: readonly number[]): string =>
      `[${ends.map((end) => end.toPrecision(4)).join(', ')}]`;
    const within =
      outside.argument.join() === range.join()
        ? `its argument ranges over ${interval(range)}, margin included`
        : `for arguments in ${interval(range)}, margin included, ${outside.name} is taken of ${interval(outside.argument)}`;
    throw unsupportedNodes(
      [operation],
      `${within}; ${outside.name} is defined ${domainText(outside)}, and no polynomial follows it to the end`,
      'keep the argument away from there (add a constant, as in log(x + 0.01), or clip it), or give --calibration X.npy or --input-range LO,HI that does',
    );
  }
}
