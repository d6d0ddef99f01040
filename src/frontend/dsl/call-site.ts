/** Lines of the program that calls us, for locations and messages. */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `file.ts:line` of the call of `callee`, or null where there is none to be seen.
 *
 * Node strips types in place, so lines are those of the source.
 */
export function callSite(callee: (...args: never) => unknown): string | null {
  const holder: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  try {
    Error.captureStackTrace(holder, callee);
    // The text is made when it is read, by the limit and the source maps of that time.
    return firstSite(holder.stack ?? '');
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const frame = /^\s+at (?:.* \()?((?:file:\/\/|\/|[A-Za-z]:[\\/]).*?):(\d+):\d+\)?$/;

/** The first place in the text of a stack that lies in a file, and in `file` where one is given. */
export function firstSite(stack: string, file?: string): string | null {
  for (const line of stack.split('\n')) {
    const [, place, number] = frame.exec(line) ?? [];
    if (place === undefined || number === undefined) continue;
    const path = place.startsWith('file://') ? pathOf(place) : place;
    if (file === undefined || path === file) return `${basename(path)}:${number}`;
  }
  return null;
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url.replace(/[?#].*$/, ''));
  } catch {
    return url;
  }
}
