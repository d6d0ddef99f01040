/** What a server counts, for Prometheus. No label names a tenant, a key or a request. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueState } from '../queue/job-queue.ts';

export interface MetricSources {
  readonly queue: () => QueueState;
  readonly bodyBytes: () => number;
  readonly heldBytes: () => number;
  readonly sessions: () => number;
  readonly storedKeyBytes: () => Promise<number>;
}

export type Metrics = ReturnType<typeof makeMetrics>;

const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export function makeMetrics(sources: MetricSources) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  };
  gauge('cipherloom_queue_waiting', 'Evaluations that wait.', () => sources.queue().waiting);
  gauge('cipherloom_queue_running', 'Evaluations that run.', () => sources.queue().running);
  gauge(
    'cipherloom_queue_capacity',
    'Evaluations that run at once at most.',
    () => sources.queue().capacity,
  );
  gauge(
    'cipherloom_body_bytes',
    'Bytes of requests and answers in memory, as admitted.',
    sources.bodyBytes,
  );
  gauge(
    'cipherloom_held_bytes',
    'Predicted bytes of plans, keys and runs in memory.',
    sources.heldBytes,
  );
  gauge('cipherloom_sessions', 'Clients whose keys are ready.', sources.sessions);
  gauge('cipherloom_stored_key_bytes', 'Bytes of keys on disk.', sources.storedKeyBytes);
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'cipherloom_request_seconds',
      help: 'Time of HTTP requests.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: seconds,
      registers,
    }),
    evaluationSeconds: new Histogram({
      name: 'cipherloom_evaluation_seconds',
      help: 'Time of evaluations, waiting included.',
      labelNames: ['model'] as const,
      buckets: seconds,
      registers,
    }),
    runs: new Counter({
      name: 'cipherloom_runs_total',
      help: 'Evaluations that were begun; a request that is sent again with its id begins none.',
      labelNames: ['model'] as const,
      registers,
    }),
    receivedBytes: new Counter({
      name: 'cipherloom_received_bytes_total',
      help: 'Bytes of inference requests.',
      labelNames: ['model'] as const,
      registers,
    }),
    sentBytes: new Counter({
      name: 'cipherloom_sent_bytes_total',
      help: 'Bytes of answers.',
      labelNames: ['model'] as const,
      registers,
    }),
    keyBytes: new Counter({
      name: 'cipherloom_key_bytes_total',
      help: 'Bytes of evaluation keys that were uploaded.',
      registers,
    }),
    refusals: new Counter({
      name: 'cipherloom_refusals_total',
      help: 'Requests that were refused before their body was read.',
      labelNames: ['reason'] as const,
      registers,
    }),
  };
}
