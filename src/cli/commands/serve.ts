import { totalmem } from 'node:os';
import { join } from 'node:path';
import { defineCommand } from '../define-command.ts';
import { collectLessOften } from '../fewer-collections.ts';
import { byteCount, filePath, integer, number } from '../option-schemas.ts';
import { packageVersion } from '../package-version.ts';
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
import { textTable } from '../text/table.ts';
import { usageError } from '../usage-error.ts';

/** Addresses of this machine alone: a server without tokens listens nowhere else. */
const loopback: readonly string[] = ['127.0.0.1', '::1', 'localhost'];
const dayMs = 86_400_000;

/** The server's libraries are loaded when it is started, not for its help. */
const serverModules = () => import('../server-modules.ts');

export default defineCommand({
  name: 'serve',
  summary: 'Answer encrypted requests over HTTP, for the plans of folders.',
  positional: {
    dirs: { describe: 'folders that compile wrote; NAME=DIR names the model', variadic: true },
  },
  options: {
    host: {
      value: 'ADDRESS',
      schema: filePath().default('127.0.0.1'),
      describe: 'address to listen on (127.0.0.1); another one needs --tokens',
    },
    port: {
      value: 'N',
      schema: integer(0, 65535).default(8080),
      describe: 'port to listen on (8080); 0 takes one that is free',
    },
    tokens: {
      value: 'FILE',
      schema: filePath().optional(),
      describe: 'who may use it: lines TENANT SHA256-OF-TOKEN',
    },
    tlsCert: { value: 'FILE', schema: filePath().optional(), describe: 'certificate, PEM' },
    tlsKey: { value: 'FILE', schema: filePath().optional(), describe: 'its private key, PEM' },
    cors: {
      value: 'ORIGIN',
      repeat: true,
      schema: filePath().array().default([]),
      describe: 'a web page that may call it, such as https://example.org; * for all',
    },
    queue: {
      ...queueOption,
      schema: filePath().default('local'),
      describe: 'who evaluates: local, the default, this process; nats://HOST:4222, its workers',
    },
    queueCredentials: queueCredentialsOption,
    queueExpiry: {
      value: 'SECONDS',
      schema: number(1, 31_536_000).default(3600),
      describe: 'with NATS: time that requests and answers are kept (3600)',
    },
    queueKeyExpiry: {
      value: 'SECONDS',
      schema: number(1, 31_536_000).default(86_400),
      describe: 'with NATS: time that keys are kept for workers, renewed when used (86400)',
    },
    queueGrace: {
      value: 'SECONDS',
      schema: number(0, 60).default(0.25),
      describe: 'with NATS: time that a request waits for workers that have its keys ready (0.25)',
    },
    queueReplicas: {
      value: 'N',
      schema: integer(1, 5).default(1),
      describe: 'with NATS: servers of its cluster that hold a copy (1)',
    },
    backend: ciphertextBackendOption,
    threads: threadsOption,
    maxRequests: maxRequestsOption,
    queueLength: {
      value: 'N',
      schema: integer(0, 100_000).default(64),
      describe: 'requests that may wait (64); more are refused with 503',
    },
    maxTenantRequests: {
      value: 'N',
      schema: integer(1, 100_000).optional(),
      describe: 'requests of one tenant that may wait and run; more are refused with 429',
    },
    maxMemoryBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most memory, as predicted: plans, keys, runs, requests (3/4 of the machine)',
    },
    maxRequestBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most bytes of one request (256MiB)',
    },
    deadline: {
      value: 'SECONDS',
      schema: number(0.001, 86_400).optional(),
      describe: 'most time of one request, waiting included; 504 after it',
    },
    bodyTimeout: {
      value: 'SECONDS',
      schema: number(0.1, 86_400).default(300),
      describe: 'most time for a body to arrive (300)',
    },
    headersTimeout: {
      value: 'SECONDS',
      schema: number(0.1, 3600).default(20),
      describe: 'most time for the headers of a request to arrive (20)',
    },
    keyStore: {
      value: 'FOLDER',
      schema: filePath().default('cipherloom-keys'),
      describe: 'folder of evaluation keys (cipherloom-keys)',
    },
    maxKeyBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most bytes of the keys of one client (4GiB)',
    },
    tenantKeyBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most bytes of all keys of one tenant (64GiB)',
    },
    keyDays: {
      value: 'DAYS',
      schema: number(0.001, 36_500).default(30),
      describe: 'days after their last use that keys are kept (30)',
    },
    uploadDays: {
      value: 'DAYS',
      schema: number(0.001, 36_500).default(1),
      describe: 'days that an upload in parts is kept (1)',
    },
    drainDelay: {
      value: 'SECONDS',
      schema: number(0, 3600).default(0),
      describe: 'when told to stop: time to take requests while readiness fails (0)',
    },
    drainTimeout: drainTimeoutOption,
    logLevel: logLevelOption,
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom serve mnist/',
      does: 'http://127.0.0.1:8080 for this machine; the model is named mnist',
    },
    {
      command:
        'cipherloom serve a/ b=c/ --host 0.0.0.0 --tokens tokens --tls-cert c.pem --tls-key k.pem',
      does: 'two models, for everybody who has a token',
    },
    {
      command: 'cipherloom serve mnist/ --port 0 --json',
      does: 'one JSON object on stdout with the address, once it listens',
    },
    {
      command: 'cipherloom serve mnist/ --queue nats://127.0.0.1:4222',
      does: 'workers evaluate: cipherloom worker mnist/ --queue nats://127.0.0.1:4222',
    },
  ],
  async run(args, io) {
    const { dirs, host, port, tokens, tlsCert, tlsKey } = args;
    if (dirs.length === 0)
      throw usageError('a plan folder is missing', { hint: 'cipherloom serve plan/' });
    if (tokens === undefined && !loopback.includes(host)) {
      throw usageError(`without tokens everybody who reaches ${host} could use this server`, {
        option: '--host',
        got: host,
        hint: 'add --tokens FILE, or leave --host out',
      });
    }
    if ((tlsCert === undefined) !== (tlsKey === undefined)) {
      throw usageError('--tls-cert and --tls-key belong together', {
        option: tlsCert === undefined ? '--tls-cert' : '--tls-key',
        hint: 'give both, or neither',
      });
    }
    collectLessOften();
    const stop = io.stopSignal();
    io.progress.step('loading the plans');
    const server = await serverModules();
    const maxMemoryBytes = args.maxMemoryBytes ?? Math.floor(0.75 * totalmem());
    const bodyBytes = Math.floor(Math.min(maxMemoryBytes / 4, 2 ** 30));
    const models = await server.loadModels(dirs.map(server.modelSource), args);
    const keys = await server.KeyStore.open({
      folder: args.keyStore,
      maxKeyBytes: args.maxKeyBytes ?? 2 ** 32,
      tenantBytes: args.tenantKeyBytes ?? 2 ** 36,
      keepMs: args.keyDays * dayMs,
      keepPartialMs: args.uploadDays * dayMs,
    });
    const tenants = tokens === undefined ? server.oneTenant : await server.readTenants(tokens);
    const logger = server.makeLogger(args.logLevel);
    const { queue, held, backends } = await server.openQueue({
      address: args.queue,
      models,
      capacity: args.maxRequests,
      backend: args.backend,
      threads: args.threads,
      maxMemoryBytes: maxMemoryBytes - bodyBytes,
      keyCacheFolder: join(args.keyStore, server.expandedKeys),
      credentials: args.queueCredentials,
      jobMs: args.queueExpiry * 1000,
      keysMs: args.queueKeyExpiry * 1000,
      graceMs: args.queueGrace * 1000,
      replicas: args.queueReplicas,
      onWarning: (message) => {
        logger.warn(message);
      },
    });
    const service = await server.startService(
      {
        version: packageVersion(),
        models,
        queue,
        keys,
        tenants,
        corsOrigins: args.cors,
        tls:
          tlsCert === undefined || tlsKey === undefined
            ? null
            : await server.readTls(tlsCert, tlsKey),
        logger,
        held,
        limits: {
          queueLength: args.queueLength,
          tenantRequests: args.maxTenantRequests ?? Infinity,
          maxBodyBytes: Math.floor(0.75 * bodyBytes),
          maxAnswerBytes: Math.floor(0.25 * bodyBytes),
          maxRequestBytes: args.maxRequestBytes ?? 2 ** 28,
          deadlineMs: args.deadline === undefined ? null : args.deadline * 1000,
          bodyTimeoutMs: args.bodyTimeout * 1000,
          headersTimeoutMs: args.headersTimeout * 1000,
        },
      },
      { host, port },
    );
    const listed = [...models.values()].map(({ name, version, planHash }) => ({
      name,
      version,
      planHash,
      backend: backends[name] ?? null,
    }));
    io.announce({
      json: { address: service.url, models: listed },
      text: [
        `listening on ${service.url}`,
        textTable(listed.map(({ name, version, backend }) => [name, version, backend ?? ''])),
      ].join('\n'),
    });
    await new Promise((resolve) => {
      stop.addEventListener('abort', resolve, { once: true });
      if (stop.aborted) resolve(null);
    });
    logger.info('stopping');
    await service.stop({
      delayMs: args.drainDelay * 1000,
      timeoutMs: args.drainTimeout * 1000,
    });
    return { json: {}, text: '' };
  },
});
