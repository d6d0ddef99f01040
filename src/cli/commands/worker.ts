import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { defineCommand } from '../define-command.ts';
import { collectLessOften } from '../fewer-collections.ts';
import { byteCount, filePath, integer, number } from '../option-schemas.ts';
import { insecureOption } from '../plan-folder.ts';
import {
  ciphertextBackendOption,
  drainTimeoutOption,
  logLevelOption,
  maxRequestsOption,
  queueCredentialsOption,
  queueOption,
  threadsOption,
} from '../shared-options.ts';
import { registerCleanup } from '../temporary-paths.ts';
import { usageError } from '../usage-error.ts';

/** Keys that no job used for so long are removed; the queue has them. */
const keepKeysMs = 86_400_000;

/** Loaded when a worker is started, not for its help. */
const serverModules = () => import('../server-modules.ts');
const natsWorker = () => import('../../server/queue/nats/nats-worker.ts');

export default defineCommand({
  name: 'worker',
  summary: 'Evaluate the requests that a server put into a queue.',
  positional: {
    dirs: { describe: 'the folders that the server serves', variadic: true },
  },
  options: {
    queue: { ...queueOption, describe: 'nats://HOST:4222, as the server has it' },
    queueCredentials: queueCredentialsOption,
    backend: ciphertextBackendOption,
    threads: threadsOption,
    maxRequests: maxRequestsOption,
    maxRuns: {
      value: 'N',
      schema: integer(1, 100).default(5),
      describe: 'runs of one request, on any worker, before it is given up (5)',
    },
    redeliverAfter: {
      value: 'SECONDS',
      schema: number(1, 3600).default(15),
      describe: 'silence of a worker after which its request is handed to another one (15)',
    },
    maxMemoryBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most memory, as predicted: plans, keys, runs (3/4 of the machine)',
    },
    keyStore: {
      value: 'FOLDER',
      schema: filePath().optional(),
      describe: 'folder of this worker alone for evaluation keys (a temporary one)',
    },
    drainTimeout: drainTimeoutOption,
    logLevel: logLevelOption,
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom worker mnist/ --queue nats://127.0.0.1:4222',
      does: 'takes requests for this plan, one at a time',
    },
    {
      command: 'cipherloom worker mnist/ melanoma/ --queue nats://queue:4222 --threads 8',
      does: 'two plans, eight threads a request',
    },
  ],
  async run(args, io) {
    const { dirs } = args;
    if (dirs.length === 0)
      throw usageError('a plan folder is missing', {
        hint: `cipherloom worker plan/ --queue ${args.queue}`,
      });
    collectLessOften();
    const stop = io.stopSignal();
    io.progress.step('loading the plans');
    const server = await serverModules();
    const { NatsWorker } = await natsWorker();
    const logger = server.makeLogger(args.logLevel);
    const models = await server.loadModels(dirs.map(server.modelSource), args);
    await using folder = await keyFolder(args.keyStore);
    const keys = await server.KeyStore.open({
      folder: folder.path,
      maxKeyBytes: Number.MAX_SAFE_INTEGER,
      tenantBytes: Number.MAX_SAFE_INTEGER,
      keepMs: keepKeysMs,
      keepPartialMs: keepKeysMs,
    });
    const { queue: local, backends } = await server.openLocalQueue({
      models,
      capacity: args.maxRequests,
      backend: args.backend,
      threads: args.threads,
      maxMemoryBytes: args.maxMemoryBytes ?? Math.floor(0.75 * totalmem()),
      keyCacheFolder: join(folder.path, '.expanded'),
    });
    io.progress.step('waiting for the queue');
    const worker = await NatsWorker.start(
      {
        url: args.queue,
        credentials: args.queueCredentials,
        name: `cipherloom worker ${hostname()}-${process.pid}`,
        models: models.values(),
        local,
        keys,
        capacity: args.maxRequests,
        maxRuns: args.maxRuns,
        redeliverMs: args.redeliverAfter * 1000,
        onWarning: (message) => {
          logger.warn(message);
        },
        onJob: (job) => {
          logger.info(job, 'job');
        },
      },
      stop,
    );
    const listed = [...models.values()].map(({ name, version, planHash }) => ({
      name,
      version,
      planHash,
      backend: backends[name] ?? null,
    }));
    io.announce({
      json: { worker: worker.id, models: listed },
      text: `taking requests for ${listed.map(({ name }) => name).join(', ')}`,
    });
    if (!stop.aborted) {
      await new Promise((resolve) => {
        stop.addEventListener('abort', resolve, { once: true });
      });
    }
    logger.info('stopping');
    await Promise.race([
      worker.drain(),
      new Promise((resolve) => {
        setTimeout(resolve, args.drainTimeout * 1000).unref();
      }),
    ]);
    await worker[Symbol.asyncDispose]();
    return { json: {}, text: '' };
  },
});

/** The folder that was named, or one that goes with this process. */
async function keyFolder(
  named: string | undefined,
): Promise<AsyncDisposable & { readonly path: string }> {
  if (named !== undefined) return { path: named, [Symbol.asyncDispose]: () => Promise.resolve() };
  const path = await mkdtemp(join(tmpdir(), 'cipherloom-worker-'));
  const cleanup = registerCleanup({ kind: 'remove', path });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      cleanup[Symbol.dispose]();
    },
  };
}
