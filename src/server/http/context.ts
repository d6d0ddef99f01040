/** What the routes of a server share. */
import type { Admission } from '../admission/admission.ts';
import type { KeyStore } from '../keys/key-store.ts';
import type { ServedModel } from '../models/served-model.ts';
import type { JobQueue } from '../queue/job-queue.ts';
import type { Tenants } from '../tenants/tenants.ts';
import type { AnswerStore } from './answer-store.ts';
import type { Metrics } from './metrics.ts';

export interface HttpLimits {
  /** Of the body of an inference request. */
  readonly maxRequestBytes: number;
  /** Milliseconds for one evaluation, waiting included; null for no deadline. */
  readonly deadlineMs: number | null;
  /** Milliseconds for a body to arrive. */
  readonly bodyTimeoutMs: number;
}

export interface HttpContext {
  readonly version: string;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly queue: JobQueue;
  readonly keys: KeyStore;
  readonly tenants: Tenants;
  readonly admission: Admission;
  readonly answers: AnswerStore;
  readonly metrics: Metrics;
  readonly limits: HttpLimits;
  /** Origins whose pages may call the server; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Fires when running requests must end: the deadline of a stop. */
  readonly ending: AbortSignal;
  /** Whether the server takes requests; false once it stops. */
  readonly ready: () => boolean;
}
