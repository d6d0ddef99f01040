/** One job on a worker: from its message to the answer that is stored. */
import { CipherloomError, exitStatus } from '../../../errors.ts';
import type { KeyStore } from '../../keys/key-store.ts';
import type { ServedModel } from '../../models/served-model.ts';
import type { JobQueue } from '../job-queue.ts';
import { readAnswer, storeAnswer } from './answers.ts';
import { messageOf } from './connection.ts';
import type { JetStreamConnection } from './connection.ts';
import { jobEvent, jobMessage } from './messages.ts';
import type { AnswerMessage, JobEvent, JobMessage } from './messages.ts';
import { keysObject, names, subjects } from './names.ts';
import type { Delivery } from './pull.ts';
import { decodeRequestBody, requestDigest } from './request-body.ts';
import type { RequestBody } from './request-body.ts';
import { findKeys, readKeys } from './stored-keys.ts';
import {
  deleteObject,
  digestOf,
  getObject,
  putObject,
  referenceTo,
  requireDigest,
} from './stored-objects.ts';
import { tryAgain } from './try-again.ts';

export interface JobContext {
  readonly connection: JetStreamConnection;
  /** Evaluates in this process. */
  readonly local: JobQueue;
  readonly keys: KeyStore;
  /** By plan hash. */
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly worker: string;
  /** Names this run among all. */
  readonly run: string;
  /** Runs of one job, those included whose worker ended. */
  readonly maxRuns: number;
  readonly redeliverMs: number;
  readonly onWarning: (message: string) => void;
}

export type Outcome = 'answered' | 'answered before' | 'put back' | 'dropped';

/** Progress is told this often. */
const progressMs = 250;

/** Errors of users: the same request fails again wherever it is evaluated. */
function isFinal(error: unknown): error is CipherloomError {
  return (
    error instanceof CipherloomError &&
    error.exit !== exitStatus.internal &&
    error.code !== 'NOT_FOUND' &&
    error.code !== 'RESOURCE_LIMIT' &&
    error.code !== 'SERVER_BUSY' &&
    error.code !== 'BACKEND_UNAVAILABLE'
  );
}

/**
 * Evaluate a job and store its answer, or put it back.
 *
 * The answer is stored before the job is acknowledged, and only where there is none: a worker that
 * dies in between, or two workers with one job, leave one answer. `signal` ends the run without one.
 */
export async function runJob(
  context: JobContext,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<Outcome> {
  const { connection, onWarning } = context;
  let job: JobMessage;
  try {
    job = jobMessage.decode(delivery.data);
  } catch (error) {
    // Nobody can be told: a message that is no job names none.
    onWarning(messageOf(error));
    await delivery.acknowledge();
    return 'dropped';
  }
  const { nc } = connection;
  const tell = (event: JobEvent): void => {
    nc.publish(subjects.events(job.name), jobEvent.encode(event));
  };
  const alive = setInterval(() => {
    delivery.goesOn();
  }, context.redeliverMs / 3);
  try {
    if ((await tryAgain(() => readAnswer(connection, job.name), signal)) !== null) {
      await finish(context, job, delivery);
      return 'answered before';
    }
    if (delivery.delivery > context.maxRuns) {
      const reason = `${context.maxRuns} workers ended while they evaluated it`;
      return await giveUp(context, job, delivery, reason);
    }
    tell({ kind: 'started', worker: context.worker, delivery: delivery.delivery });
    let result: AnswerMessage['result'];
    try {
      const response = await evaluate(context, job, signal, tell);
      const pieces = [response];
      const stored = referenceTo(`${job.name}-${context.run}`, pieces, digestOf(pieces));
      await tryAgain(() => putObject(connection, names.responses, stored, pieces), signal);
      result = { kind: 'response', response: stored };
    } catch (error) {
      if (signal.aborted) throw error;
      const missing = error instanceof CipherloomError && error.code === 'NOT_FOUND';
      if (!missing && !isFinal(error)) return await failed(context, job, delivery, error);
      result = { kind: 'error', error: errorFields(error), final: !missing };
    }
    return await answer(context, job, delivery, result, signal);
  } finally {
    clearInterval(alive);
  }
}

async function evaluate(
  { connection, local, keys, models }: JobContext,
  job: JobMessage,
  signal: AbortSignal,
  tell: (event: JobEvent) => void,
): Promise<Uint8Array> {
  const model = models.get(job.planHash);
  if (model === undefined) {
    throw new CipherloomError('BACKEND_UNAVAILABLE', `this worker has no plan ${job.planHash}`, {
      phase: 'server',
      hint: 'start workers with the folders that the server serves',
    });
  }
  // NATS may be away for a while; the job is this worker's as long as it says so.
  const [file, body] = await Promise.all([
    tryAgain(() => keyFile(connection, keys, job, model), signal),
    tryAgain(() => readRequest(connection, job), signal),
  ]);
  await local.publishKeys(job.tenant, job.keys, file);
  if (body === null) throw gone('the request');
  let told = 0;
  return local.evaluate(
    {
      id: job.name,
      tenant: job.tenant,
      model: job.model,
      planHash: job.planHash,
      keys: job.keys,
      ...body,
    },
    {
      signal,
      onProgress: ({ done, total }) => {
        const now = performance.now();
        if (now - told < progressMs) return;
        told = now;
        tell({ kind: 'progress', done, total });
      },
    },
  );
}

/** Null where it expired. */
async function readRequest(
  connection: JetStreamConnection,
  { request }: JobMessage,
): Promise<RequestBody | null> {
  const [head, file] = (await getObject(connection, names.requests, request)) ?? [];
  if (head === undefined || file === undefined) return null;
  requireDigest(request, requestDigest([head, file]));
  return decodeRequestBody([head, file]);
}

/** The file of the job's keys, which come from the queue the first time. */
async function keyFile(
  connection: JetStreamConnection,
  keys: KeyStore,
  { tenant, keys: id }: JobMessage,
  model: ServedModel,
): Promise<string> {
  const here = await keys.use(tenant, id);
  if (here !== null) return here.file;
  const object = keysObject(tenant, id);
  const found = await findKeys(connection, object);
  if (found === null) throw gone('the keys');
  const { bytes } = found;
  const whole = { from: 0, end: bytes, total: bytes, restart: true };
  await keys.put(tenant, id, model, whole, readKeys(connection, object, found));
  const stored = await keys.use(tenant, id);
  if (stored === null) throw new Error('the keys did not arrive whole');
  return stored.file;
}

/** Store a result unless there is one; then the job is done, whoever answered it. */
async function answer(
  context: JobContext,
  job: JobMessage,
  delivery: Delivery,
  result: AnswerMessage['result'],
  signal?: AbortSignal,
): Promise<Outcome> {
  const { connection, run } = context;
  const message: AnswerMessage = { format: 2, name: job.name, body: job.body, run, result };
  const first = await tryAgain(async () => {
    if ((await storeAnswer(connection, message)) === 'stored') return true;
    // A message that NATS stored without our hearing of it is ours as well.
    return (await readAnswer(connection, job.name))?.answer.run === run;
  }, signal);
  if (!first && result.kind === 'response') {
    await deleteObject(connection, names.responses, result.response.object);
  }
  await finish(context, job, delivery);
  return first ? 'answered' : 'answered before';
}

/** The job is answered: take it out of the queue, remove its request, and tell who waits. */
async function finish(
  { connection, onWarning }: JobContext,
  job: JobMessage,
  delivery: Delivery,
): Promise<void> {
  connection.nc.publish(subjects.events(job.name), jobEvent.encode({ kind: 'answered' }));
  try {
    await delivery.acknowledge();
    await deleteObject(connection, names.requests, job.request.object);
  } catch (error) {
    // It is handed out again and found answered; the request expires.
    onWarning(`job ${job.name} is answered, but not acknowledged: ${messageOf(error)}`);
  }
}

async function failed(
  context: JobContext,
  job: JobMessage,
  delivery: Delivery,
  error: unknown,
): Promise<Outcome> {
  const reason = messageOf(error);
  context.onWarning(`job ${job.name}, run ${delivery.delivery}: ${reason}`);
  if (delivery.delivery >= context.maxRuns) return giveUp(context, job, delivery, reason);
  const { nc } = context.connection;
  const event: JobEvent = { kind: 'failed', delivery: delivery.delivery, reason };
  nc.publish(subjects.events(job.name), jobEvent.encode(event));
  delivery.putBack(250 * 2 ** delivery.delivery);
  return 'put back';
}

/** The answer of a job that no worker can evaluate; it stays for who looks into it. */
async function giveUp(
  context: JobContext,
  job: JobMessage,
  delivery: Delivery,
  reason: string,
): Promise<Outcome> {
  const runs = Math.min(delivery.delivery, context.maxRuns);
  const error = new CipherloomError('JOB_FAILED', `gave up after ${runs} runs: ${reason}`, {
    phase: 'server',
    details: { runs, limit: context.maxRuns },
    hint: 'send the request again with a new id; the workers have the cause in their logs',
  });
  context.onWarning(`job ${job.name}: ${error.message}`);
  const result = { kind: 'error' as const, error: errorFields(error), final: true };
  return answer(context, job, delivery, result);
}

function errorFields(error: CipherloomError): {
  code: CipherloomError['code'];
  message: string;
  details: Record<string, unknown>;
  hint: string | null;
} {
  const { code, message, details, hint } = error;
  return { code, message, details: { ...details }, hint };
}

function gone(what: string): CipherloomError {
  return new CipherloomError('NOT_FOUND', `${what} of this job expired in the queue`, {
    phase: 'server',
    hint: 'send the request again',
  });
}
