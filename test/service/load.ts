/**
 * Load on a running server: what HTTP adds to an evaluation, then many clients at twice the capacity.
 *
 * Clients have a processor of their own, the server the others: what is measured is the server.
 *
 * node test/service/load.ts PLAN EVALUATION.keys X.ct [--seconds 300] [--clients 64] [--pairs 60] [--queue 16]
 *   [--write NAME]  the figures into bench/RESULTS.md, under this name
 *
 * Needs dist/. Prints one JSON object; fails where one of its aims is not met: no request lost, every answer
 * the same, the latency of what was accepted, throughput, memory, and what HTTP adds to an evaluation.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as prettier from 'prettier';
import { thisMachine } from '../../bench/results/machine.ts';
import { withServiceFigures } from '../../bench/results/service-section.ts';
import type { Verdict } from '../../bench/results/service-section.ts';
import { serveModel } from '../browser/serve-model.ts';
import {
  answerCiphertext,
  call,
  inferBody,
  postInfer,
  putKeys,
} from '../server/http/running-service.ts';
import { startEvaluations } from './support/evaluations.ts';
import { shareProcessors, stayOn } from './support/processors.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '300' },
    clients: { type: 'string', default: '64' },
    pairs: { type: 'string', default: '60' },
    queue: { type: 'string', default: '16' },
    memory: { type: 'string', default: '8GiB' },
    write: { type: 'string' },
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
const processors = shareProcessors();
const { threads } = processors;
stayOn(processors.clients);
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
      ...['--threads', String(threads)],
    ],
    processors.server,
  );
  const put = await putKeys(server.url, id, keys, { model: 'model' });
  if (put.status !== 201) throw new Error(`the keys were not taken: ${JSON.stringify(put.json)}`);
  // Made once: a client that writes its body where it encrypts copies nothing either.
  const { json, body } = inferBody(request, { keys: id });
  const ask = () => postInfer(server.url, json.length, body, { model: 'model' });
  const good = answerCiphertext(await ask());

  // One after the other in turn, so that what else the machine does falls on both alike.
  const overHttp: number[] = [];
  const direct: number[] = [];
  {
    using evaluations = await startEvaluations(
      { plan: join(plan, 'model.loom'), keys: keyFile, request: requestFile },
      { processors: processors.server, threads },
    );
    for (let pair = 0; pair < Number(values.pairs); pair++) {
      const at = performance.now();
      await ask();
      overHttp.push(performance.now() - at);
      direct.push(await evaluations.run());
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
  const most = { residentBytes: 0, predictedBytes: 0 };
  const sample = async (): Promise<void> => {
    const figure = await figures();
    const predicted = figure('cipherloom_held_bytes') + figure('cipherloom_body_bytes');
    most.residentBytes = Math.max(most.residentBytes, figure('process_resident_memory_bytes'));
    most.predictedBytes = Math.max(most.predictedBytes, predicted);
  };
  const sampling = setInterval(() => {
    sample().catch(() => undefined);
  }, 1000);
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
  clearInterval(sampling);
  await sample();

  // The queue is full most of the time: an accepted request waits for all that are before it.
  const allowedP99 = 3 * unloadedMs * (queueLength + 1);
  const result = {
    threads,
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
    memory: { ...most, allowed: values.memory },
  };
  const { load } = result;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  const broken = counts.lost + counts.wrong + counts.other;
  const throughput = load.perSecond / load.capacityPerSecond;
  const verdicts: Verdict[] = [
    {
      aim: 'no request lost, wrong or failed; what is refused is told so',
      measured: `${broken} of ${taken.length + counts.refused + broken}, ${counts.refused} refused`,
      met: broken === 0,
    },
    {
      aim: 'twice the capacity is more than is taken',
      measured: `${load.offeredPerSecond.toFixed(2)}/s offered, ${load.perSecond.toFixed(2)}/s answered`,
      met: clients <= queueLength || counts.refused > 0,
    },
    {
      aim: `p99 at most 3 × unloaded × (${queueLength} waiting + 1)`,
      measured: `${load.p99Ms.toFixed(0)} ms of ${allowedP99.toFixed(0)} ms, p50 ${load.p50Ms.toFixed(0)} ms`,
      met: load.p99Ms <= allowedP99,
    },
    {
      aim: 'throughput at least 90 % of evaluations one after the other',
      measured: percent(throughput),
      met: throughput >= 0.9,
    },
    {
      aim: 'memory at most what is predicted',
      measured: `${mebibytes(most.residentBytes)} of ${mebibytes(most.predictedBytes)}`,
      met: most.residentBytes <= most.predictedBytes,
    },
    {
      aim: 'HTTP adds at most 5 % to an evaluation, unloaded',
      measured: `${percent(addedMs / directMs)}: ${addedMs.toFixed(1)} ms to ${directMs.toFixed(0)} ms`,
      met: addedMs <= 0.05 * directMs,
    },
  ];
  process.stdout.write(`${JSON.stringify({ ...result, verdicts }, null, 2)}\n`);
  for (const { aim, measured, met } of verdicts) if (!met) fail(`not met: ${aim}: ${measured}`);
  if (values.write !== undefined) {
    const page = join(import.meta.dirname, '../../bench/RESULTS.md');
    const text = withServiceFigures(readFileSync(page, 'utf8'), {
      network: values.write,
      processor: thisMachine().processor,
      threads,
      measuredAt: new Date().toISOString(),
      clients,
      seconds,
      verdicts,
    });
    const style = await prettier.resolveConfig(page);
    writeFileSync(page, await prettier.format(text, { ...style, parser: 'markdown' }));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
