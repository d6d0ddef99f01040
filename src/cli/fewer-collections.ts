/** How often a server collects garbage. */
import { setFlagsFromString } from 'node:v8';

const flag = '--external-memory-accounted-in-global-limit';

/**
 * Let the bytes of requests and answers count towards the limit of the whole heap, not one of their own.
 *
 * They lie in array buffers outside the heap. By its own limit V8 collects the whole heap for every few
 * megabytes of them, some 50 ms of a processor each time: for requests of 1 MB two thirds of what a
 * server's queue costs (`node bench/queue.ts lenet --target native`).
 */
export function collectLessOften(): void {
  // Node 24's. Another version may not know the flag, and says so where nobody expects it.
  if (process.versions.v8.startsWith('13.')) setFlagsFromString(flag);
}
