/** What a process keeps of its memory, told apart from what the collector of garbage has not come to. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of memory of this process, garbage collected. */
function residentBytes(): number {
  collect();
  return process.memoryUsage().rss;
}

/**
 * The least that memory grew in one of some windows of work, each of the same length; a window that
 * grows by less than `enough` is the last.
 *
 * What leaks grows in every window; heaps and caches that find their size do so in one.
 */
export async function leastGrowth(
  work: () => Promise<void>,
  { windows, enough }: { readonly windows: number; readonly enough: number },
): Promise<number> {
  let least = Infinity;
  for (let window = 0; window < windows && least >= enough; window++) {
    const before = residentBytes();
    await work();
    least = Math.min(least, residentBytes() - before);
  }
  return least;
}
