/**
 * Load on a running server: what HTTP adds to an evaluation, then many clients at twice the capacity.
 *
 * node test/service/load.ts PLAN EVALUATION.keys X.ct [--seconds 300] [--clients 64] [--pairs 20] [--queue 16]
 *
 * Needs dist/. Prints one JSON object; fails where a request is lost, an answer differs, or memory exceeds
 * what was allowed.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { InferenceSession } from '../../src/server/index.ts';
import { serveModel } from '../browser/serve-model.ts';
import { answerCiphertext, call, infer, putKeys } from '../server/http/running-service.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '300' },
    clients: { type: 'string', default: '64' },
    pairs: { type: 'string', default: '20' },
    queue: { type: 'string', default: '16' },
    memory: { type: 'string', default: '8GiB' },
  },
});
const [plan, keyFile, requestFile] = positionals;
if (plan === undefined || keyFile === undefined || requestFile === undefined) {
  throw new Error('usage: load.ts PLAN EVALUATION.keys X.ct [--seconds N] [--clients N]');
}
const keys = new Uint8Array(readFileSync(keyFile));
const request = new Uint8Array(readFileSync(requestFile));
const id = createHash('sha256').update(keys).digest('hex');
const queueLength = Number(values.queue);
const folder = mkdtempSync(join(tmpdir(), 'cipherloom load '));

const quantile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))] ??
  NaN;
const fail = (message: string): void => {
  process.exitCode = 1;
  process.stderr.write(`${message}\n`);
};

try {
  await using server = await serveModel(
    [`model=${plan}`],
    [
      ...['--key-store', folder, '--queue-length', String(queueLength)],
      ...['--max-memory-bytes', values.memory, '--log-level', 'silent'],
    ],
  );
  const put = await putKeys(server.url, id, keys, { model: 'model' });
  if (put.status !== 201) throw new Error(`the keys were not taken: ${JSON.stringify(put.json)}`);
  const ask = () => infer(server.url, request, { model: 'model', keys: id });
  const good = answerCiphertext(await ask());

  // One after the other in turn, so that what else the machine does falls on both alike.
  const overHttp: number[] = [];
  const direct: number[] = [];
  {
    await using session = await InferenceSession.create(join(plan, 'model.loom'), {
      evaluationKeys: keyFile,
    });
    await session.run(request);
    for (let pair = 0; pair < Number(values.pairs); pair++) {
      const at = performance.now();
      await ask();
      const between = performance.now();
      await session.run(request);
      overHttp.push(between - at);
      direct.push(performance.now() - between);
    }
  }
  const unloadedMs = quantile(overHttp, 0.5);
  const directMs = quantile(direct, 0.5);
  const addedMs = quantile(
    overHttp.map((ms, pair) => ms - direct[pair]!),
    0.5,
  );
  const figures = async () => {
    const { bytes } = await call(`${server.url}/metrics`);
    const text = new TextDecoder().decode(bytes);
    return (name: string): number => {
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? NaN);
    };
  };
  // What the server itself spends beside evaluating: reading, checking, writing.
  const unloaded = await figures();
  const route = 'method="POST",route="/v2/models/:name/infer",status="200"';
  const besideMs =
    (1000 *
      (unloaded(`cipherloom_request_seconds_sum{${route}}`) -
        unloaded('cipherloom_evaluation_seconds_sum{model="model"}'))) /
    unloaded(`cipherloom_request_seconds_count{${route}}`);

  // Each client asks so often that all of them ask for twice what one evaluation at a time gives.
  const clients = Number(values.clients);
  const everyMs = (clients * unloadedMs) / 2;
  const seconds = Number(values.seconds);
  const taken: number[] = [];
  const counts = { refused: 0, lost: 0, wrong: 0, other: 0 };
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      let next = startedAt + (everyMs * client) / clients;
      for (; next < end; next += everyMs) {
        await sleep(Math.max(0, next - performance.now()));
        const at = performance.now();
        const answer = await ask().catch(() => null);
        if (answer === null) counts.lost += 1;
        else if (answer.status === 200) {
          taken.push(performance.now() - at);
          if (Buffer.compare(answerCiphertext(answer), good) !== 0) counts.wrong += 1;
        } else if (answer.status === 503 && answer.headers.has('retry-after')) counts.refused += 1;
        else counts.other += 1;
      }
    }),
  );
  const elapsed = (performance.now() - startedAt) / 1000;
  const figure = await figures();
  const residentBytes = figure('process_resident_memory_bytes');
  const heldBytes = figure('cipherloom_held_bytes');

  // The queue is full most of the time: an accepted request waits for all that are before it.
  const allowedP99 = 3 * unloadedMs * (queueLength + 1);
  const result = {
    threads: availableParallelism(),
    requestBytes: request.length,
    answerBytes: good.length,
    unloaded: {
      httpMs: unloadedMs,
      evaluateMs: directMs,
      addedMs,
      besideEvaluationMs: besideMs,
      overhead: addedMs / directMs,
    },
    load: {
      clients,
      seconds: elapsed,
      offeredPerSecond: 2000 / unloadedMs,
      accepted: taken.length,
      ...counts,
      p50Ms: quantile(taken, 0.5),
      p99Ms: quantile(taken, 0.99),
      allowedP99Ms: allowedP99,
      perSecond: taken.length / elapsed,
      capacityPerSecond: 1000 / directMs,
    },
    memory: { residentBytes, heldBytes, allowed: values.memory },
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  if (counts.lost + counts.wrong + counts.other > 0) fail('requests were lost, wrong or failed');
  if (result.load.p99Ms > allowedP99) fail('accepted requests waited too long');
  if (clients > queueLength && counts.refused === 0) fail('nothing was refused: no overload');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
