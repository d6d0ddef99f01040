import { stripVTControlCharacters } from 'node:util';

export type Align = 'left' | 'right';

/**
 * Columns as wide as their widest cell, two spaces apart.
 *
 * `align` names the columns from the left; the rest are left-aligned.
 */
export function textTable(
  rows: readonly (readonly string[])[],
  align: readonly Align[] = [],
): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => visibleWidth(row[column] ?? ''))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const gap = ' '.repeat(widths[column]! - visibleWidth(cell));
          return align[column] === 'right' ? gap + cell : cell + gap;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Facts, one a line: a name and its value. */
export function factLines(facts: readonly (readonly [name: string, value: string])[]): string {
  return textTable(facts);
}

/** Columns of the text without its colours. */
function visibleWidth(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}
