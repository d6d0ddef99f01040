/** Hands jobs to workers through NATS JetStream, and waits for their answers. */
import { CipherloomError } from '../../../errors.ts';
import { RequestError } from '../../request-error.ts';
import type { EvaluateOptions, EvaluationJob, JobQueue, QueueState } from '../job-queue.ts';
import { stopping } from '../local/local-queue.ts';
import { publishFirst, readAnswer, responseOf } from './answers.ts';
import type { StoredAnswer } from './answers.ts';
import { openConnection } from './connection.ts';
import type { JetStreamConnection, NatsOptions } from './connection.ts';
import { announceMs, Fleet } from './fleet.ts';
import { JobWatch } from './job-watch.ts';
import { forgetMessage, jobMessage } from './messages.ts';
import type { JobEvent, JobMessage } from './messages.ts';
import { bodyHash, consumerName, jobName, names, partOf, planToken, subjects } from './names.ts';
import { PublishedKeys } from './published-keys.ts';
import { encodeRequestBody, requestDigest } from './request-body.ts';
import type { RequestPieces } from './request-body.ts';
import { deleteObject, putObject, referenceTo } from './stored-objects.ts';
import { makeStreams } from './streams.ts';
import type { Retention } from './streams.ts';
import { tryAgain } from './try-again.ts';

export interface NatsQueueOptions extends NatsOptions, Retention {
  /** Milliseconds that a job waits for workers that have its keys ready before any may take it. */
  readonly graceMs: number;
  readonly onWarning: (message: string) => void;
}

/** A waiting server looks for the answer this often, should it have missed the message. */
const firstLookMs = 2_000;
const longestLookMs = 10_000;
/** Idle workers are told of a job that nobody has begun at least this often. */
const longestCallMs = 2_000;

interface Submission {
  readonly message: JobMessage;
  readonly subject: string;
  readonly plan: string;
  readonly part: number;
  readonly pieces: RequestPieces;
}

export class NatsQueue implements JobQueue {
  readonly #connection: JetStreamConnection;
  readonly #options: NatsQueueOptions;
  readonly #keys: PublishedKeys;
  readonly #fleet: Fleet;
  readonly #count: NodeJS.Timeout;
  readonly #closed = new AbortController();
  /** Jobs in the stream, those that run included, of all servers. */
  #jobs = 0;

  private constructor(connection: JetStreamConnection, options: NatsQueueOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#keys = new PublishedKeys(connection, options.keysMs);
    this.#fleet = new Fleet(connection.nc);
    const count = (): void => {
      // A figure that is late harms nobody.
      connection.jsm.streams.info(names.jobs).then(
        ({ state }) => {
          this.#jobs = state.messages;
        },
        () => undefined,
      );
    };
    this.#count = setInterval(count, announceMs / 2);
    this.#count.unref();
  }

  /** Connect, and make the streams. Throws QUEUE_UNAVAILABLE, FILE_UNREADABLE, USAGE. */
  static async open(options: NatsQueueOptions): Promise<NatsQueue> {
    const connection = await openConnection(options);
    try {
      await makeStreams(connection, options);
      return new NatsQueue(connection, options);
    } catch (cause) {
      await connection.nc.close();
      if (cause instanceof CipherloomError) throw cause;
      throw new CipherloomError(
        'QUEUE_UNAVAILABLE',
        `the streams of the queue cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          phase: 'server',
          cause,
          hint: 'JetStream needs a store with room, and this user the right to make streams (docs/scale.md)',
        },
      );
    }
  }

  /**
   * The answer to a job: the one that is stored under its name, or one that a worker gives now.
   *
   * Goes on through restarts of NATS and of workers. Throws REQUEST_CONFLICT where the id was used
   * for another request, NOT_FOUND for keys that are not here, JOB_FAILED with the reason where
   * workers gave up, what the evaluation throws, and the signal's reason.
   */
  async evaluate(job: EvaluationJob, options: EvaluateOptions = {}): Promise<Uint8Array> {
    const { onProgress } = options;
    const signals = [
      this.#closed.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ];
    const signal = AbortSignal.any(signals);
    const submission = this.#submission(job);
    const { message } = submission;
    let begun = false;
    const onEvent = (event: JobEvent): void => {
      if (event.kind === 'started') begun = true;
      else if (event.kind === 'progress') onProgress?.({ done: event.done, total: event.total });
      else if (event.kind === 'failed') {
        begun = false;
        const { delivery, reason } = event;
        this.#options.onWarning(`job ${message.name}: run ${delivery} failed: ${reason}`);
      }
    };
    using watch = new JobWatch(this.#connection.nc, message.name, onEvent);
    const retry = <T>(attempt: () => Promise<T>): Promise<T> =>
      tryAgain(attempt, signal, (error) => {
        this.#options.onWarning(`job ${message.name}: ${String(error)}; trying again`);
      });
    // Most requests are new: theirs is on its way while the store is asked for an answer.
    const sent = retry(() => this.#store(submission, job));
    sent.catch(() => undefined);
    const known = await retry(() => this.#finalAnswer(message.name));
    if (known !== null) return await this.#open(known, message, retry);
    try {
      let stored: Promise<void> | undefined = sent;
      await retry(() => {
        const attempt = this.#submit(submission, job, stored);
        // Where NATS comes back without it, it is put there again.
        stored = undefined;
        return attempt;
      });
      const calls = this.#call(submission, () => begun);
      try {
        for (let lookMs = firstLookMs; ; lookMs = Math.min(2 * lookMs, longestLookMs)) {
          await watch.answered(lookMs, signal);
          const answer = await retry(() => this.#answerOrJob(submission, job));
          if (answer !== null) return await this.#open(answer, message, retry);
        }
      } finally {
        calls[Symbol.dispose]();
      }
    } catch (error) {
      if (options.signal?.aborted === true) await this.#cancel(submission).catch(() => undefined);
      throw error;
    }
  }

  state(): QueueState {
    const { running, capacity } = this.#fleet;
    return { waiting: Math.max(0, this.#jobs - running), running, capacity };
  }

  /** The keys are put into the queue when the first job needs them. */
  publishKeys(tenant: string, keys: string, file: string): Promise<void> {
    this.#keys.note(tenant, keys, file);
    return Promise.resolve();
  }

  async forgetKeys(tenant: string, keys: string): Promise<void> {
    await tryAgain(() => this.#keys.forget(tenant, keys));
    this.#connection.nc.publish(subjects.forget, forgetMessage.encode({ tenant, keys }));
  }

  /** Closes the connection; jobs stay in the queue, and their answers are kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#count);
    this.#closed.abort(stopping());
    this.#fleet[Symbol.dispose]();
    await this.#connection.nc.close();
  }

  #submission({ id, tenant, model, planHash, keys, ...given }: EvaluationJob): Submission {
    const pieces = encodeRequestBody(given);
    const name = jobName(tenant, id);
    const sha256 = requestDigest(pieces);
    const digest = bodyHash(planHash, keys, sha256);
    const plan = planToken(planHash);
    const part = partOf(tenant, keys);
    const request = referenceTo(`${name}-${digest.slice(0, 16)}`, pieces, sha256);
    const message: JobMessage = {
      format: 2,
      name,
      tenant,
      model,
      planHash,
      keys,
      body: digest,
      request,
    };
    return { message, subject: subjects.job(plan, part, name), plan, part, pieces };
  }

  /** The stored answer; one that allows the request to be sent again is removed. */
  async #finalAnswer(name: string): Promise<StoredAnswer | null> {
    const stored = await readAnswer(this.#connection, name);
    if (stored === null) return null;
    const { result } = stored.answer;
    if (result.kind === 'response' || result.final) return stored;
    await this.#connection.jsm.streams.deleteMessage(names.answers, stored.sequence);
    return null;
  }

  async #open(
    { answer }: StoredAnswer,
    message: JobMessage,
    retry: <T>(attempt: () => Promise<T>) => Promise<T>,
  ): Promise<Uint8Array> {
    requireSame(answer.body, message.body);
    return retry(() => responseOf(this.#connection, answer));
  }

  /** Put request and keys into the store, where they are before the job is in the stream. */
  async #store({ message, pieces }: Submission, job: EvaluationJob): Promise<void> {
    await Promise.all([
      this.#keys.ensure(job.tenant, job.keys),
      putObject(this.#connection, names.requests, message.request, pieces),
    ]);
  }

  /** Put the job into the stream unless it is there, once `stored` has come to an end. */
  async #submit(
    submission: Submission,
    job: EvaluationJob,
    stored = this.#store(submission, job),
  ): Promise<void> {
    await stored;
    const { message, subject, plan, part } = submission;
    const { js, jsm, nc } = this.#connection;
    if (!(await publishFirst(js, subject, jobMessage.encode(message)))) {
      const there = await jsm.streams.getMessage(names.jobs, { last_by_subj: subject });
      if (there !== null) requireSame(jobMessage.decode(there.data).body, message.body);
    }
    nc.publish(subjects.wake(plan, part));
  }

  /** The answer; where there is neither an answer nor a job, as after a loss of the store, a new job. */
  async #answerOrJob(submission: Submission, job: EvaluationJob): Promise<StoredAnswer | null> {
    const { name } = submission.message;
    const answer = await readAnswer(this.#connection, name);
    if (answer !== null) return answer;
    const { jsm } = this.#connection;
    const there = await jsm.streams.getMessage(names.jobs, { last_by_subj: submission.subject });
    if (there !== null) return null;
    // A worker stores the answer first and then takes the job out of the stream.
    const late = await readAnswer(this.#connection, name);
    if (late === null) await this.#submit(submission, job);
    return late;
  }

  /** Tell idle workers of a job, one at a time, until one has begun. */
  #call({ plan, part }: Submission, begun: () => boolean): Disposable {
    const { nc } = this.#connection;
    const { graceMs } = this.#options;
    let timer: NodeJS.Timeout;
    let waitMs = graceMs;
    const call = (): void => {
      if (!begun() && !nc.isClosed()) nc.publish(subjects.idle(plan), String(part));
      waitMs = Math.min(2 * waitMs, longestCallMs);
      timer = setTimeout(call, waitMs);
    };
    // Nobody has keys of this part ready: there is nothing to wait for.
    const atOnce = !this.#fleet.isReady(consumerName(plan, part));
    timer = setTimeout(call, atOnce ? 0 : graceMs);
    return {
      [Symbol.dispose]() {
        clearTimeout(timer);
      },
    };
  }

  /** Nobody waits for the answer: the job leaves the queue, and who evaluates it stops. */
  async #cancel({ message, subject }: Submission): Promise<void> {
    const { jsm, nc } = this.#connection;
    await jsm.streams.purge(names.jobs, { filter: subject });
    nc.publish(subjects.cancel(message.name));
    await deleteObject(this.#connection, names.requests, message.request.object);
  }
}

/** Throws REQUEST_CONFLICT. */
function requireSame(got: string, expected: string): void {
  if (got === expected) return;
  throw new RequestError('REQUEST_CONFLICT', 'this id was used for another request', {
    status: 409,
    hint: 'use a new id for a new request',
  });
}
