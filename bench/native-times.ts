/**
 * Times of the native evaluator on one thread and on two, in turn, so that the machine's load moves both.
 *
 *   node bench/native-times.ts PLAN KEYS REQUEST…
 *
 * In a process of its own: what SEAL leaves behind in another takes memory and collections of garbage from
 * it. Prints { first, median, twoThreadsMedian }, seconds of wall-clock time.
 */
import { readFileSync } from 'node:fs';
import { InferenceSession } from 'cipherloom/server';
import { median } from './profile/time-plans.ts';

const leastRuns = 20;

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

const [plan = new Uint8Array(0), evaluationKeys = new Uint8Array(0), ...requests] = process.argv
  .slice(2)
  .map((file) => new Uint8Array(readFileSync(file)));
const [warmUp] = requests;
if (warmUp === undefined) throw new Error('usage: node bench/native-times.ts PLAN KEYS REQUEST…');
const open = (threads: number): Promise<InferenceSession> =>
  InferenceSession.create(plan, { backend: 'native', evaluationKeys, threads });
await using one = await open(1);
await using two = await open(2);
const first = await secondsOf(() => one.run(warmUp));
await two.run(warmUp);
const seconds: number[] = [];
const twoThreads: number[] = [];
while (seconds.length < leastRuns) {
  for (const request of requests) {
    seconds.push(await secondsOf(() => one.run(request)));
    twoThreads.push(await secondsOf(() => two.run(request)));
  }
}
const times = { first, median: median(seconds), twoThreadsMedian: median(twoThreads) };
process.stdout.write(`${JSON.stringify(times)}\n`);
