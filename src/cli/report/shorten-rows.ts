/** Rows of a long table: a network of hundreds of layers stays readable, and the file small. */
export interface ShortRows<T> {
  readonly first: readonly T[];
  readonly last: readonly T[];
  readonly leftOut: number;
}

/** All rows where there are at most `most`, else the first and last of them. */
export function shortenRows<T>(rows: readonly T[], most: number): ShortRows<T> {
  if (rows.length <= most) return { first: rows, last: [], leftOut: 0 };
  const half = Math.floor(most / 2);
  return { first: rows.slice(0, half), last: rows.slice(-half), leftOut: rows.length - 2 * half };
}
