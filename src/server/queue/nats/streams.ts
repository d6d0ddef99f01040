/** Streams, all in files and all with an expiry. */
import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { JetStreamConnection } from './connection.ts';
import { consumerName, names, partCount, subjects } from './names.ts';
import type { ObjectStream } from './names.ts';

export interface Retention {
  /** Milliseconds after which a job, its request and its answer are gone. */
  readonly jobMs: number;
  /** Milliseconds after which keys are gone that no request renewed. */
  readonly keysMs: number;
  /** Copies on as many servers of a cluster. */
  readonly replicas: number;
}

type Limits = Pick<StreamConfig, 'name'> & Partial<StreamConfig>;

/** Make what is missing, and give what is there these expiries. */
export async function makeStreams(
  connection: JetStreamConnection,
  { jobMs, keysMs, replicas }: Retention,
): Promise<void> {
  const { jsm } = connection;
  const stream = (
    name: string,
    subject: string,
    ms: number,
    more: Partial<StreamConfig> = {},
  ): Promise<void> =>
    makeStream(jsm, {
      name,
      subjects: [subject],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      ...ageLimits(ms),
      allow_direct: true,
      num_replicas: replicas,
      ...more,
    });
  const objects = (name: ObjectStream, ms: number): Promise<void> =>
    stream(name, subjects.allObjects(name), ms, { max_msgs_per_subject: 1 });
  // A job leaves the stream when it is acknowledged, and not before.
  await stream(names.jobs, subjects.allJobs, jobMs, { retention: RetentionPolicy.Workqueue });
  await stream(names.answers, subjects.allAnswers, jobMs);
  await objects(names.requests, jobMs);
  // A response is stored before the answer that names it, and has to outlive it.
  await objects(names.responses, 2 * jobMs);
  await objects(names.keys, keysMs);
}

/** Make the consumers of a plan that are missing, one a part; they stay when nobody asks them. */
export async function makeConsumers(
  jsm: JetStreamManager,
  plan: string,
  redeliverMs: number,
): Promise<void> {
  const there = new Set<string>();
  for await (const { name } of jsm.consumers.list(names.jobs)) there.add(name);
  for (let part = 0; part < partCount; part++) {
    if (there.has(consumerName(plan, part))) continue;
    await jsm.consumers.add(names.jobs, {
      durable_name: consumerName(plan, part),
      filter_subject: subjects.jobsOf(plan, part),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(redeliverMs),
      // Workers count themselves: a job that NATS gave up on would stay without an answer.
      max_deliver: -1,
      max_ack_pending: -1,
    });
  }
}

async function makeStream(jsm: JetStreamManager, config: Limits): Promise<void> {
  try {
    await jsm.streams.info(config.name);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== 10059) throw error;
    await jsm.streams.add(config);
    return;
  }
  await jsm.streams.update(config.name, config);
}

/** NATS remembers message ids, which are not used here, for two minutes and for no longer than messages. */
function ageLimits(ms: number): Pick<StreamConfig, 'max_age' | 'duplicate_window'> {
  return { max_age: nanos(ms), duplicate_window: nanos(Math.min(ms, 120_000)) };
}
