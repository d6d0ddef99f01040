/** Number of single-character edits (insert, delete, replace, swap of neighbours) from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, beforeLast[j - 2]! + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The name that the user most likely meant, or `undefined` where none is near.
 *
 * A name is near if it completes what was typed, or is at most a third of its letters away.
 */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  // One letter is near to any other; and an argument may be megabytes long, while no name is.
  if (typed.length < 2 || typed.length > 64) return undefined;
  let best: { name: string; distance: number } | undefined;
  for (const name of names) {
    const completes = typed.length >= 3 && name.startsWith(typed);
    const distance = completes ? 0.5 : editDistance(typed, name);
    const near = distance <= Math.max(1, Math.floor(name.length / 3));
    if (near && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}
