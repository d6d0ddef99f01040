/** A server of plans: loaded, listening, and stopped in order. */
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { CipherloomError } from '../errors.ts';
import { Admission } from './admission/admission.ts';
import { AnswerStore } from './http/answer-store.ts';
import { makeApp } from './http/app.ts';
import type { TlsOptions } from './http/app.ts';
import type { HttpContext, HttpLimits } from './http/context.ts';
import { makeMetrics } from './http/metrics.ts';
import type { KeyStore } from './keys/key-store.ts';
import type { ServedModel } from './models/served-model.ts';
import type { JobQueue } from './queue/job-queue.ts';
import type { Tenants } from './tenants/tenants.ts';

export interface ServiceLimits extends HttpLimits {
  readonly queueLength: number;
  readonly tenantRequests: number;
  /** Bytes of bodies and answers in memory at once; null for no bound. */
  readonly maxBodyBytes: number | null;
  /** Bytes of answers that are kept for requests that are sent again. */
  readonly maxAnswerBytes: number;
  readonly headersTimeoutMs: number;
}

export interface ServiceOptions {
  readonly version: string;
  readonly models: ReadonlyMap<string, ServedModel>;
  /** The service takes it over. */
  readonly queue: JobQueue;
  readonly keys: KeyStore;
  readonly tenants: Tenants;
  readonly limits: ServiceLimits;
  readonly corsOrigins: readonly string[];
  readonly tls: TlsOptions | null;
  readonly logger: FastifyBaseLogger;
  /** Predicted bytes of plans, keys and runs in this process, and clients whose keys are ready. */
  readonly held: () => { readonly bytes: number; readonly sessions: number };
}

export interface StopOptions {
  /** Milliseconds between the readiness that fails and the end of new requests. */
  readonly delayMs: number;
  /** Milliseconds that running requests have to end. */
  readonly timeoutMs: number;
}

export interface Service {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Readiness fails first; running requests are finished, or ended at the deadline. */
  stop(options: StopOptions): Promise<void>;
}

/** Ids of requests that are kept beside their answers. */
const maxAnswers = 10_000;
const expireEveryMs = 600_000;

/** Start a server. Throws USAGE for an address that cannot be used. */
export async function startService(
  options: ServiceOptions,
  address: { readonly host: string; readonly port: number },
): Promise<Service> {
  const { version, models, queue, keys, tenants, limits, corsOrigins, logger, held } = options;
  for await (const { tenant, id, file } of keys.stored()) await queue.publishKeys(tenant, id, file);
  let ready = true;
  const ending = new AbortController();
  const answers = new AnswerStore({ maxBytes: limits.maxAnswerBytes, maxAnswers });
  const admission = new Admission({
    ...limits,
    state: () => queue.state(),
    onRefusal: (reason) => {
      metrics.refusals.inc({ reason });
    },
  });
  const metrics = makeMetrics({
    queue: () => queue.state(),
    bodyBytes: () => admission.bodyBytes + answers.bytes,
    heldBytes: () => held().bytes,
    sessions: () => held().sessions,
    storedKeyBytes: () => keys.bytes(),
  });
  const context: HttpContext = {
    version,
    models,
    queue,
    keys,
    tenants,
    admission,
    answers,
    metrics,
    limits,
    corsOrigins,
    ending: ending.signal,
    ready: () => ready,
  };
  const app = await makeApp(context, {
    logger,
    tls: options.tls,
    headersTimeoutMs: limits.headersTimeoutMs,
  });
  const expire = async (): Promise<void> => {
    for (const { tenant, id } of await keys.expire(Date.now())) await queue.forgetKeys(tenant, id);
  };
  const sweep = setInterval(() => {
    expire().catch((error: unknown) => {
      logger.error({ err: error }, 'keys could not be removed');
    });
  }, expireEveryMs);
  sweep.unref();
  await expire();
  try {
    await app.listen(address);
  } catch (error) {
    throw cannotListen(error, address);
  }
  const { port } = app.server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `${options.tls === null ? 'http' : 'https'}://${host}:${port}`,
    async stop({ delayMs, timeoutMs }) {
      ready = false;
      clearInterval(sweep);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const end = setTimeout(() => {
        ending.abort();
      }, timeoutMs);
      await admission.stop();
      clearTimeout(end);
      await app.close();
      await queue[Symbol.asyncDispose]();
    },
  };
}

/** An address that is taken, not this machine's or not this user's; anything else as it is. */
function cannotListen(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (!['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND'].includes(code ?? '')) return error;
  return new CipherloomError('USAGE', `cannot listen on ${host}, port ${port}: ${String(code)}`, {
    phase: 'server',
    node: '--port',
    details: { host, port, systemCode: code },
    hint: code === 'EADDRINUSE' ? 'the port is taken; --port 0 finds one' : 'use another --host',
    cause: error,
  });
}
