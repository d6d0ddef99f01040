import type { RangeEscape } from '../../server/index.ts';
import { numberText } from './figures.ts';
import { textTable } from './table.ts';

/** Activations a line each: elements outside of the range, and how many are to be expected. */
export function escapeTable(escapes: readonly RangeEscape[]): string {
  return textTable(
    [
      ['activation', 'range', 'outside', 'images', 'predicted'],
      ...escapes.map((escape) => [
        escape.node,
        escape.range.map(numberText).join(' … '),
        `${escape.escaped} of ${escape.elements}`,
        `${escape.escapedImages} of ${escape.images}`,
        escape.predicted.toExponential(1),
      ]),
    ],
    ['left', 'right', 'right', 'right', 'right'],
  );
}
