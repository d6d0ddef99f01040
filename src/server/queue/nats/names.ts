/** How jobs, answers and objects are named in NATS. */
import { createHash } from 'node:crypto';

const root = 'cipherloom';

/** Streams. */
export const names = {
  jobs: 'CIPHERLOOM_JOBS',
  answers: 'CIPHERLOOM_ANSWERS',
  requests: 'CIPHERLOOM_REQUESTS',
  responses: 'CIPHERLOOM_RESPONSES',
  keys: 'CIPHERLOOM_KEYS',
} as const;

/** A stream of objects that are read by their names. */
export type ObjectStream = (typeof names)['requests' | 'responses' | 'keys'];

/**
 * Jobs of a plan are split by their keys into so many parts, each with a consumer of its own: the part
 * is what a worker that has keys ready asks for first.
 */
export const partCount = 16;

/** The part of a client's keys. */
export function partOf(tenant: string, keys: string): number {
  return digest(tenant, keys).readUInt16BE(0) % partCount;
}

/** The name of a job: the same for every server that is sent the same id by the same tenant. */
export function jobName(tenant: string, id: string): string {
  return digest(tenant, id).toString('hex');
}

/** What a request asks for, from the digest of its body: a second one of its id must ask for the same. */
export function bodyHash(planHash: string, keys: string, bodyDigest: string): string {
  return createHash('sha256').update(`${planHash}\0${keys}\0${bodyDigest}`).digest('hex');
}

/** Plans stand in subjects by the beginning of their hash. */
export function planToken(planHash: string): string {
  return planHash.slice(0, 16);
}

export function consumerName(plan: string, part: number): string {
  return `${plan}-${part}`;
}

export const subjects = {
  allJobs: `${root}.jobs.>`,
  allAnswers: `${root}.answers.>`,
  /** Jobs of one part of a plan, for its consumer. */
  jobsOf: (plan: string, part: number): string => `${root}.jobs.${plan}.${part}.*`,
  job: (plan: string, part: number, name: string): string => `${root}.jobs.${plan}.${part}.${name}`,
  answer: (name: string): string => `${root}.answers.${name}`,
  allObjects: (stream: ObjectStream): string => `${root}.${stream}.*.*`,
  /** Part of an object, whose name has no dot. */
  chunk: (stream: ObjectStream, object: string, index: number): string =>
    `${root}.${stream}.${object}.${index}`,
  /** Of keys: says how long they are. */
  head: (object: string): string => `${root}.${names.keys}.${object}.head`,
  chunks: (stream: ObjectStream, object: string): string => `${root}.${stream}.${object}.*`,
  /** A job came for workers that have keys of this part ready. */
  wake: (plan: string, part: number): string => `${root}.wake.${plan}.${part}`,
  /** A job of this plan waits for any worker; heard by one idle worker. */
  idle: (plan: string): string => `${root}.idle.${plan}`,
  /** What happens to a job. */
  events: (name: string): string => `${root}.events.${name}`,
  cancel: (name: string): string => `${root}.cancel.${name}`,
  allCancels: `${root}.cancel.*`,
  /** Workers say what they do. */
  fleet: `${root}.workers`,
  /** Keys that were removed. */
  forget: `${root}.forget`,
} as const;

/** The name of an object of keys; a tenant's keys serve that tenant alone. */
export function keysObject(tenant: string, keys: string): string {
  return `${tenant}-${keys}`;
}

function digest(tenant: string, id: string): Buffer {
  return createHash('sha256').update(`${tenant}\0${id}`).digest();
}
