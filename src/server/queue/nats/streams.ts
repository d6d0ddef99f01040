/** Streams and the bucket of keys, all in files and all with an expiry. */
import { Objm } from '@nats-io/obj';
import type { ObjectStore } from '@nats-io/obj';
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

export interface Retention {
  /** Milliseconds after which a job, its request and its answer are gone. */
  readonly jobMs: number;
  /** Milliseconds after which keys are gone that no request renewed. */
  readonly keysMs: number;
  /** Copies on as many servers of a cluster. */
  readonly replicas: number;
}

type Limits = Pick<StreamConfig, 'name'> & Partial<StreamConfig>;

/** Make what is missing, and give what is there these expiries; returns the bucket of keys. */
export async function makeStreams(
  connection: JetStreamConnection,
  { jobMs, keysMs, replicas }: Retention,
): Promise<ObjectStore> {
  const { jsm } = connection;
  const stream = (
    name: string,
    subject: string,
    ms: number,
    retention: RetentionPolicy = RetentionPolicy.Limits,
  ): Promise<void> =>
    makeStream(jsm, {
      name,
      subjects: [subject],
      retention,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      ...ageLimits(ms),
      num_replicas: replicas,
    });
  // A job leaves the stream when it is acknowledged, and not before.
  await stream(names.jobs, subjects.allJobs, jobMs, RetentionPolicy.Workqueue);
  await stream(names.answers, subjects.allAnswers, jobMs);
  await stream(names.requests, subjects.allObjects(names.requests), jobMs);
  // A response is stored before the answer that names it, and has to outlive it.
  await stream(names.responses, subjects.allObjects(names.responses), 2 * jobMs);
  const bucket = await new Objm(connection.js).create(names.keys, {
    ttl: nanos(keysMs),
    storage: StorageType.File,
    replicas,
  });
  await setAge(jsm, `OBJ_${names.keys}`, keysMs);
  return bucket;
}

/** The bucket of keys that a server made. Throws where there is none yet. */
export function openKeys({ js }: JetStreamConnection): Promise<ObjectStore> {
  return new Objm(js).open(names.keys);
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

async function setAge(jsm: JetStreamManager, stream: string, ms: number): Promise<void> {
  const { config } = await jsm.streams.info(stream);
  if (config.max_age === nanos(ms)) return;
  await jsm.streams.update(stream, { ...config, ...ageLimits(ms) });
}

/** NATS remembers message ids, which are not used here, for two minutes and for no longer than messages. */
function ageLimits(ms: number): Pick<StreamConfig, 'max_age' | 'duplicate_window'> {
  return { max_age: nanos(ms), duplicate_window: nanos(Math.min(ms, 120_000)) };
}
