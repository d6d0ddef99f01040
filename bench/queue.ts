/**
 * What the queue adds to a request:
 *
 *   node bench/queue.ts [MODEL…] [--target portable|native]     (lola and lenet of examples/mnist)
 *
 * A NATS server of its own, a server's queue and a worker in this process. The worker evaluates nothing:
 * it gives back a response that was made before, so that what is left is the queue, with the bytes of
 * real requests, keys and responses. The evaluation beside it is that of the native evaluator, or of SEAL.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { collectLessOften } from '../src/cli/fewer-collections.ts';
import { Client } from '../src/client/index.ts';
import { compile, readNpy } from '../src/index.ts';
import { InferenceSession } from '../src/server/index.ts';
import { KeyStore } from '../src/server/keys/key-store.ts';
import { loadModels } from '../src/server/models/served-model.ts';
import type { EvaluationJob, JobQueue } from '../src/server/queue/job-queue.ts';
import { NatsQueue } from '../src/server/queue/nats/nats-queue.ts';
import { NatsWorker } from '../src/server/queue/nats/nats-worker.ts';
import { startNatsServer } from '../test/service/support/nats-server.ts';

type Target = 'portable' | 'native';

const requests = 200;
const evaluations = 8;
const mnist = join(import.meta.dirname, '../examples/mnist');
const pixels = 784;

const { data: all } = readNpy(readFileSync(join(mnist, 'images.npy')));
const calibration = Float64Array.from(
  readNpy(readFileSync(join(mnist, 'calibration.npy'))).data,
  Number,
);
const image = Float64Array.from(all.slice(0, pixels), Number);

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const at = performance.now();
  const value = await work();
  return { ms: performance.now() - at, value };
}

/** Gives back what was made before. */
function ready(response: Uint8Array): JobQueue {
  return {
    evaluate: () => Promise.resolve(response),
    state: () => ({ waiting: 0, running: 0, capacity: 1 }),
    publishKeys: () => Promise.resolve(),
    forgetKeys: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function measure(
  name: string,
  folder: string,
  target: Target,
): Promise<Record<string, unknown>> {
  const compiled = await compile(
    { bytes: readFileSync(join(mnist, `${name}.onnx`)), name },
    {
      options: { target },
      calibration: new Map([
        [
          'image',
          Array.from({ length: calibration.length / pixels }, (_, k) =>
            calibration.slice(k * pixels, (k + 1) * pixels),
          ),
        ],
      ]),
    },
  );
  const plan = join(folder, name);
  mkdirSync(plan);
  for (const [file, bytes] of compiled.files()) writeFileSync(join(plan, file), bytes);
  using client = Client.load(compiled.client);
  const keyBytes = await (await client.generateKeys()).evaluationKeys.bytes();
  const keys = createHash('sha256').update(keyBytes).digest('hex');
  const keyFile = join(folder, `${name}.keys`);
  writeFileSync(keyFile, keyBytes);
  const request = await client.encrypt({ image });

  const evaluateMs: number[] = [];
  let response = new Uint8Array();
  let backend: string;
  {
    await using session = await InferenceSession.create(compiled.plan, { evaluationKeys: keyFile });
    ({ backend } = session);
    for (let n = 0; n <= evaluations; n++) {
      const { ms, value } = await timed(() => session.run(request));
      // The first one encodes constants.
      if (n > 0) evaluateMs.push(ms);
      response = value;
    }
  }

  await using nats = await startNatsServer();
  const models = await loadModels([{ name, folder: plan }], { insecure: false });
  await using queue = await NatsQueue.open({
    url: nats.url,
    name: 'bench',
    jobMs: 600_000,
    keysMs: 600_000,
    replicas: 1,
    graceMs: 250,
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  const store = await KeyStore.open({
    folder: join(folder, `store-${name}`),
    maxKeyBytes: Number.MAX_SAFE_INTEGER,
    tenantBytes: Number.MAX_SAFE_INTEGER,
    keepMs: 600_000,
    keepPartialMs: 600_000,
  });
  await using _worker = await NatsWorker.start({
    url: nats.url,
    name: 'bench',
    models: models.values(),
    local: ready(response),
    keys: store,
    capacity: 1,
    maxRuns: 3,
    redeliverMs: 60_000,
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  await queue.publishKeys('bench', keys, keyFile);
  const job = (): EvaluationJob => ({
    id: randomUUID(),
    tenant: 'bench',
    model: name,
    planHash: compiled.planHash,
    keys,
    request,
    public: {},
  });
  const first = await timed(() => queue.evaluate(job()));
  const queueMs: number[] = [];
  const cpu = process.cpuUsage();
  for (let n = 0; n < requests; n++) queueMs.push((await timed(() => queue.evaluate(job()))).ms);
  const { user, system } = process.cpuUsage(cpu);
  const median = quantile(queueMs, 0.5);
  const evaluate = quantile(evaluateMs, 0.5);
  return {
    model: name,
    target,
    backend,
    requestBytes: request.length,
    responseBytes: response.length,
    keyBytes: keyBytes.length,
    evaluateMs: evaluate,
    queueMs: { median, p90: quantile(queueMs, 0.9) },
    // Of server and worker together.
    queueCpuMs: (user + system) / 1000 / requests,
    firstWithNewKeysMs: first.ms,
    overhead: median / evaluate,
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { target: { type: 'string', default: 'portable' } },
});
const { target } = values;
if (target !== 'portable' && target !== 'native') throw new Error('--target portable or native');
// As `serve` and `worker` do.
collectLessOften();
const folder = mkdtempSync(join(tmpdir(), 'cipherloom-bench-queue-'));
try {
  for (const name of positionals.length > 0 ? positionals : ['lola', 'lenet']) {
    process.stdout.write(`${JSON.stringify(await measure(name, folder, target))}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
