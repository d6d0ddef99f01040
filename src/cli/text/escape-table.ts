import type { Warning } from '../../errors.ts';
import type { RangeEscape } from '../../server/index.ts';
import { numberText } from './figures.ts';
import { textTable } from './table.ts';

/** Nodes a line each: elements outside of the range, and how many are to be expected. */
export function escapeTable(escapes: readonly RangeEscape[]): string {
  return textTable(
    [
      ['node', 'range', 'outside', 'images', 'predicted'],
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

/** The warning about images that leave a range, or null where none does. */
export function escapeWarning(escaped: number, images: number): Warning | null {
  if (escaped === 0) return null;
  return {
    id: 'RANGE_ESCAPED',
    message: `${escaped} of ${images} images leave a range of the plan: encrypted, their values may wrap and come back wrong`,
  };
}
