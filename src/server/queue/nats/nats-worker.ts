/** Takes jobs from NATS JetStream, those first whose keys it has ready, and answers them. */
import { randomBytes } from 'node:crypto';
import type { Subscription } from '@nats-io/transport-node';
import { CipherloomError } from '../../../errors.ts';
import type { KeyStore } from '../../keys/key-store.ts';
import type { ServedModel } from '../../models/served-model.ts';
import type { JobQueue } from '../job-queue.ts';
import { messageOf, openConnection } from './connection.ts';
import type { JetStreamConnection, NatsOptions } from './connection.ts';
import { announceMs } from './fleet.ts';
import { runJob } from './job-run.ts';
import type { Outcome } from './job-run.ts';
import { forgetMessage, jobMessage, workerMessage } from './messages.ts';
import { consumerName, keysObject, names, partCount, planToken, subjects } from './names.ts';
import { pullJob } from './pull.ts';
import type { Delivery } from './pull.ts';
import { findKeys } from './stored-keys.ts';
import { makeConsumers } from './streams.ts';
import { tryAgain } from './try-again.ts';

export interface NatsWorkerOptions extends NatsOptions {
  readonly models: Iterable<ServedModel>;
  /** Evaluates in this process; the worker takes it over. */
  readonly local: JobQueue;
  /** Keys that came from the queue. */
  readonly keys: KeyStore;
  /** Jobs at once. */
  readonly capacity: number;
  /** Runs of one job before it is given up. */
  readonly maxRuns: number;
  /** Milliseconds after which a job of a worker that says nothing is handed to another one. */
  readonly redeliverMs: number;
  readonly onWarning: (message: string) => void;
  readonly onJob?: (job: {
    readonly name: string;
    readonly outcome: Outcome;
    readonly ms: number;
  }) => void;
}

/** Parts of plans, each with a consumer. */
interface Part {
  readonly plan: string;
  readonly part: number;
  readonly consumer: string;
}

interface ReadyPart extends Part {
  /** When it had a job. */
  readonly at: number;
  readonly wake: Subscription;
}

/** After so many jobs of keys that it has ready a worker looks at the others first. */
const patience = 8;
/** Keys of a part that had no job for so long are taken for no longer ready. */
const readyMs = 300_000;
const expireEveryMs = 600_000;
/** An idle worker looks for jobs this often, should it have missed a message. */
const lookMs = 1_000;

export class NatsWorker implements AsyncDisposable {
  readonly #connection: JetStreamConnection;
  readonly #options: NatsWorkerOptions;
  readonly #models: ReadonlyMap<string, ServedModel>;
  readonly #parts: readonly Part[];
  /** Among all workers. */
  readonly id = randomBytes(8).toString('hex');
  /** Parts of which keys are ready, the latest last. */
  readonly #ready = new Map<string, ReadyPart>();
  readonly #running = new Map<string, AbortController>();
  readonly #ended = new Set<Promise<unknown>>();
  /** While it has room, it hears of jobs for anybody. */
  #idle: readonly Subscription[] = [];
  #jobs = 0;
  #inARow = 0;
  #looking = false;
  #lookAgain: { anywhere: boolean } | null = null;
  #stopping = false;
  #timers: NodeJS.Timeout[] = [];

  private constructor(connection: JetStreamConnection, options: NatsWorkerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#models = new Map([...options.models].map((model) => [model.planHash, model]));
    this.#parts = [...this.#models.keys()].map(planToken).flatMap((plan) =>
      Array.from({ length: partCount }, (_, part) => ({
        plan,
        part,
        consumer: consumerName(plan, part),
      })),
    );
  }

  /**
   * Connect and begin to take jobs; waits for the server that makes the streams.
   *
   * Throws QUEUE_UNAVAILABLE, FILE_UNREADABLE, USAGE, and the signal's reason.
   */
  static async start(options: NatsWorkerOptions, signal?: AbortSignal): Promise<NatsWorker> {
    const connection = await openConnection(options);
    try {
      // The server makes its streams in this order.
      await tryAgain(() => connection.jsm.streams.info(names.keys), signal);
      const worker = new NatsWorker(connection, options);
      for (const plan of new Set(worker.#parts.map((part) => part.plan))) {
        await tryAgain(() => makeConsumers(connection.jsm, plan, options.redeliverMs), signal);
      }
      await worker.#dropForgotten();
      worker.#listen();
      return worker;
    } catch (error) {
      await connection.nc.close();
      throw error;
    }
  }

  get running(): number {
    return this.#running.size;
  }

  /** Take no more jobs, and resolve when those that run are answered. */
  async drain(): Promise<void> {
    this.#stopping = true;
    this.#hearIdle(false);
    while (this.#looking || this.#ended.size > 0) {
      await Promise.race([...this.#ended, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  }

  /** Ends what runs; other workers get those jobs at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const controller of this.#running.values()) controller.abort(new Error('stopping'));
    await this.drain();
    for (const timer of this.#timers) clearInterval(timer);
    this.#announce();
    await this.#connection.nc.drain();
    await this.#options.local[Symbol.asyncDispose]();
  }

  #listen(): void {
    const { nc } = this.#connection;
    nc.subscribe(subjects.allCancels, {
      callback: (error, { subject }) => {
        const name = subject.slice(subject.lastIndexOf('.') + 1);
        if (error === null) this.#running.get(name)?.abort(new Error('cancelled'));
      },
    });
    nc.subscribe(subjects.forget, {
      callback: (error, { data }) => {
        if (error === null) void this.#forget(data);
      },
    });
    this.#timers.push(
      setInterval(() => {
        this.#dropUnused();
        this.#announce();
      }, announceMs),
      setInterval(() => {
        void this.#expire();
      }, expireEveryMs),
      // Workers that were started together need not look together.
      setInterval(
        () => {
          this.#look(true);
        },
        lookMs * (1 + Math.random() / 2),
      ),
    );
    this.#announce();
    this.#hearIdle(true);
    this.#look(true);
  }

  /** Be one of those whom NATS picks from when a job waits for anybody. */
  #hearIdle(hear: boolean): void {
    if (hear === this.#idle.length > 0) return;
    for (const subscription of this.#idle) subscription.unsubscribe();
    const plans = hear ? [...new Set(this.#parts.map(({ plan }) => plan))] : [];
    this.#idle = plans.map((plan) =>
      this.#connection.nc.subscribe(subjects.idle(plan), {
        queue: 'idle',
        callback: (error, message) => {
          if (error !== null) return;
          const part = this.#parts.find(
            (other) => other.plan === plan && String(other.part) === message.string(),
          );
          if (part !== undefined) this.#look(false, part);
        },
      }),
    );
  }

  /** Take jobs while there is room; once more where it was asked meanwhile. */
  #look(anywhere: boolean, first?: Part): void {
    if (this.#stopping) return;
    if (this.#looking) {
      this.#lookAgain = { anywhere: anywhere || this.#lookAgain?.anywhere === true };
      return;
    }
    this.#looking = true;
    void this.#take(anywhere, first)
      .catch((error: unknown) => {
        // NATS is not there; the next look may find it.
        this.#options.onWarning(`looking for jobs: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#looking = false;
        const again = this.#lookAgain;
        this.#lookAgain = null;
        if (again !== null) this.#look(again.anywhere);
      });
  }

  async #take(anywhere: boolean, first: Part | undefined): Promise<void> {
    while (!this.#stopping && this.#jobs < this.#options.capacity) {
      const found = await this.#next(anywhere, first);
      if (found === null) return;
      this.#begin(found);
    }
  }

  /** A job: of the part that was named, of parts whose keys are ready, then of any part. */
  async #next(anywhere: boolean, first: Part | undefined): Promise<Delivery | null> {
    const { nc } = this.#connection;
    const ready = [...this.#ready.values()].reverse();
    if (first !== undefined) {
      const found = await pullJob(nc, first.plan, first.part);
      if (found !== null) return found;
    }
    // Now and then the others first, so that they do not wait for ever.
    const others = anywhere || this.#inARow >= patience ? await this.#waitingParts() : [];
    const order = this.#inARow >= patience ? [...others, ...ready] : [...ready, ...others];
    for (const part of order) {
      const found = await pullJob(nc, part.plan, part.part);
      if (found === null) continue;
      this.#inARow = this.#ready.has(part.consumer) ? this.#inARow + 1 : 0;
      return found;
    }
    if (this.#inARow >= patience) this.#inARow = 0;
    return null;
  }

  /** Parts without ready keys that have jobs, in an order of this worker's own. */
  async #waitingParts(): Promise<Part[]> {
    const waiting = new Set<string>();
    for await (const {
      name,
      num_pending: fresh,
      num_ack_pending: out,
    } of this.#connection.jsm.consumers.list(names.jobs)) {
      // Jobs that were handed out may have to be handed out again.
      if (fresh + out > 0) waiting.add(name);
    }
    const parts = this.#parts.filter(
      ({ consumer }) => waiting.has(consumer) && !this.#ready.has(consumer),
    );
    const turn = Math.floor(Math.random() * parts.length);
    return [...parts.slice(turn), ...parts.slice(0, turn)];
  }

  #begin(delivery: Delivery): void {
    this.#jobs += 1;
    if (this.#jobs >= this.#options.capacity) this.#hearIdle(false);
    const controller = new AbortController();
    const run = randomBytes(8).toString('hex');
    const name = nameOf(delivery) ?? run;
    const startedAt = performance.now();
    this.#running.set(name, controller);
    this.#announce();
    const ended = this.#run(delivery, run, controller.signal).then(
      (outcome) => {
        if (outcome === 'answered') this.#nowReady(delivery);
        this.#options.onJob?.({ name, outcome, ms: performance.now() - startedAt });
      },
      (error: unknown) => {
        if (this.#stopping) delivery.putBack(0);
        else if (controller.signal.aborted) return this.#abandon(delivery);
        this.#options.onWarning(`job ${name}: ${messageOf(error)}`);
        return undefined;
      },
    );
    this.#ended.add(ended);
    void ended.finally(() => {
      this.#ended.delete(ended);
      if (this.#running.get(name) === controller) this.#running.delete(name);
      this.#jobs -= 1;
      if (this.#stopping) return;
      this.#announce();
      this.#hearIdle(true);
      // Jobs of others get their grace: they come by a call, or by the next look.
      this.#look(false);
    });
  }

  #run(delivery: Delivery, run: string, signal: AbortSignal): Promise<Outcome> {
    const { keys, local, maxRuns, redeliverMs, onWarning } = this.#options;
    return runJob(
      {
        connection: this.#connection,
        local,
        keys,
        models: this.#models,
        worker: this.id,
        run,
        maxRuns,
        redeliverMs,
        onWarning,
      },
      delivery,
      signal,
    );
  }

  /** A job that was cancelled: nobody wants its answer. */
  async #abandon(delivery: Delivery): Promise<void> {
    await delivery.acknowledge().catch(() => undefined);
  }

  /** Keys of this part are ready: ask for its jobs first, and hear of them at once. */
  #nowReady({ plan, part }: Delivery): void {
    const consumer = consumerName(plan, part);
    const before = this.#ready.get(consumer);
    const wake =
      before?.wake ??
      this.#connection.nc.subscribe(subjects.wake(plan, part), {
        callback: (error) => {
          if (error === null) this.#look(false);
        },
      });
    this.#ready.delete(consumer);
    this.#ready.set(consumer, { plan, part, consumer, at: Date.now(), wake });
  }

  #dropUnused(): void {
    for (const { consumer, at, wake } of this.#ready.values()) {
      if (Date.now() - at < readyMs) return;
      wake.unsubscribe();
      this.#ready.delete(consumer);
    }
  }

  #announce(): void {
    const { nc } = this.#connection;
    if (nc.isClosed()) return;
    nc.publish(
      subjects.fleet,
      workerMessage.encode({
        worker: this.id,
        capacity: this.#stopping ? 0 : this.#options.capacity,
        running: this.#jobs,
        ready: [...this.#ready.keys()],
      }),
    );
  }

  async #forget(data: Uint8Array): Promise<void> {
    try {
      const { tenant, keys } = forgetMessage.decode(data);
      await this.#options.local.forgetKeys(tenant, keys);
      await this.#options.keys.remove(tenant, keys);
    } catch (error) {
      this.#options.onWarning(`keys could not be removed: ${messageOf(error)}`);
    }
  }

  async #expire(): Promise<void> {
    try {
      const { keys, local } = this.#options;
      for (const { tenant, id } of await keys.expire(Date.now())) {
        await local.forgetKeys(tenant, id);
      }
    } catch (error) {
      this.#options.onWarning(`keys could not be removed: ${messageOf(error)}`);
    }
  }

  /** Keys that were removed while this worker was away. */
  async #dropForgotten(): Promise<void> {
    const { keys } = this.#options;
    for await (const { tenant, id } of keys.stored()) {
      const found = await tryAgain(() => findKeys(this.#connection, keysObject(tenant, id)));
      if (found === null) await keys.remove(tenant, id);
    }
  }
}

function nameOf({ data }: Delivery): string | null {
  try {
    return jobMessage.decode(data).name;
  } catch (error) {
    if (error instanceof CipherloomError) return null;
    throw error;
  }
}
