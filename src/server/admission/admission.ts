/** How many requests a server takes at once, decided from their headers, before a body is read. */
import { RequestError } from '../request-error.ts';
import type { QueueState } from '../queue/job-queue.ts';

export interface AdmissionLimits {
  /** Requests that may wait, besides those that run. */
  readonly queueLength: number;
  /** Requests of one tenant that may wait and run. */
  readonly tenantRequests: number;
  /** Bytes of bodies and answers in memory at once; null for no bound. */
  readonly maxBodyBytes: number | null;
}

export type Refusal = 'stopping' | 'queue' | 'memory' | 'tenant';

export interface AdmissionOptions extends AdmissionLimits {
  readonly state: () => QueueState;
  readonly onRefusal?: (refusal: Refusal) => void;
}

/** A place of one request; dispose it when the request is answered. */
export interface Admitted extends Disposable {
  /** The evaluation took so long, waiting included, in milliseconds: what others may expect. */
  took(ms: number): void;
}

/** Weight of the latest evaluation in the mean. */
const latest = 0.2;

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #byTenant = new Map<string, number>();
  #requests = 0;
  #bodyBytes = 0;
  #meanMs = 1000;
  #stopping = false;
  #idle: (() => void) | null = null;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get requests(): number {
    return this.#requests;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /**
   * Take a request of so many bytes, its answer included, or refuse it.
   *
   * Throws SERVER_BUSY with the seconds to wait: 503 for a server that stops or is full, 429 where the
   * tenant has too many requests; RESOURCE_LIMIT (413) for a body that could never be held.
   */
  enter(tenant: string, bytes: number): Admitted {
    const { queueLength, tenantRequests, maxBodyBytes, state } = this.#options;
    if (this.#stopping) throw this.#refuse('stopping', 503, 'the server is stopping', {});
    if (maxBodyBytes !== null && bytes > maxBodyBytes) {
      throw new RequestError(
        'RESOURCE_LIMIT',
        `the request and its answer take ${bytes} bytes, ${maxBodyBytes} are allowed`,
        {
          status: 413,
          details: { got: bytes, limit: maxBodyBytes },
          hint: 'send fewer images in one request',
        },
      );
    }
    const own = this.#byTenant.get(tenant) ?? 0;
    if (own >= tenantRequests) {
      throw this.#refuse('tenant', 429, `${own} of your requests are waiting or running`, {
        got: own,
        limit: tenantRequests,
      });
    }
    const room = Math.max(state().capacity, 1) + queueLength;
    if (this.#requests >= room) {
      throw this.#refuse('queue', 503, `${this.#requests} requests are waiting or running`, {
        got: this.#requests,
        limit: room,
      });
    }
    if (maxBodyBytes !== null && this.#bodyBytes + bytes > maxBodyBytes) {
      throw this.#refuse('memory', 503, `requests take ${this.#bodyBytes} bytes`, {
        got: this.#bodyBytes + bytes,
        limit: maxBodyBytes,
      });
    }
    this.#requests += 1;
    this.#bodyBytes += bytes;
    this.#byTenant.set(tenant, own + 1);
    let left = false;
    return {
      took: (ms) => {
        this.#meanMs += latest * (ms - this.#meanMs);
      },
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#leave(tenant, bytes);
      },
    };
  }

  /** Take no more; resolves when those that are here are answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#requests === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  /** Seconds in which the requests that are here are likely to be answered. */
  #retryAfter(): number {
    return Math.max(1, Math.ceil(this.#meanMs / 1000));
  }

  #leave(tenant: string, bytes: number): void {
    this.#requests -= 1;
    this.#bodyBytes -= bytes;
    const own = (this.#byTenant.get(tenant) ?? 1) - 1;
    if (own === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, own);
    if (this.#requests === 0) this.#idle?.();
  }

  #refuse(
    refusal: Refusal,
    status: number,
    message: string,
    details: Readonly<Record<string, number>>,
  ): RequestError {
    this.#options.onRefusal?.(refusal);
    return new RequestError('SERVER_BUSY', message, {
      status,
      details,
      retryAfter: this.#retryAfter(),
      hint: 'send the request again after Retry-After seconds, with the same id',
    });
  }
}
