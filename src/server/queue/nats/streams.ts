/** Streams and buckets, all in files and all with an expiry. */
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

export interface Buckets {
  readonly requests: ObjectStore;
  readonly responses: ObjectStore;
  readonly keys: ObjectStore;
}

type Limits = Pick<StreamConfig, 'name'> & Partial<StreamConfig>;

/** Make what is missing, and give what is there these expiries. */
export async function makeStreams(
  connection: JetStreamConnection,
  { jobMs, keysMs, replicas }: Retention,
): Promise<Buckets> {
  const { jsm } = connection;
  await makeStream(jsm, {
    name: names.jobs,
    subjects: [subjects.allJobs],
    // A job leaves the stream when it is acknowledged, and not before.
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    ...ageLimits(jobMs),
    num_replicas: replicas,
  });
  await makeStream(jsm, {
    name: names.answers,
    subjects: [subjects.allAnswers],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    ...ageLimits(jobMs),
    num_replicas: replicas,
  });
  const bucket = async (name: string, ms: number): Promise<void> => {
    await new Objm(connection.js).create(name, {
      ttl: nanos(ms),
      storage: StorageType.File,
      replicas,
    });
    await setAge(jsm, `OBJ_${name}`, ms);
  };
  await bucket(names.requests, jobMs);
  // A response is stored before the answer that names it, and has to outlive it.
  await bucket(names.responses, 2 * jobMs);
  await bucket(names.keys, keysMs);
  return openBuckets(connection);
}

/** Those that a server made. Throws where there are none yet. */
export async function openBuckets({ js }: JetStreamConnection): Promise<Buckets> {
  const all = new Objm(js);
  const [requests, responses, keys] = await Promise.all(
    [names.requests, names.responses, names.keys].map((name) => all.open(name)),
  );
  return { requests: requests!, responses: responses!, keys: keys! };
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
