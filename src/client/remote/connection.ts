/**
 * Requests to an inference server: answers of bounded size, errors with codes, retries.
 *
 * Uses `fetch` alone, which browsers and Node share.
 */
import { CipherloomError } from '../../errors.ts';
import { defaultRetry, isTransient, retryDelay, wait, type RetryPolicy } from './retry.ts';
import { serverError } from './server-error.ts';

export interface ConnectionOptions {
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  readonly retry?: Partial<RetryPolicy>;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Statuses, beside 200, that are an answer and no error. */
  readonly accept?: readonly number[];
  /** Largest answer; a longer one is refused before it is read. */
  readonly maxBytes: number;
  /** Longest wait for one attempt; none where an evaluation may take its time. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** How often it is sent at most; else as the connection was told. */
  readonly attempts?: number;
  /** Called before a request is sent again. */
  readonly onRetry?: (failure: Error) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Errors are short; what exceeds this is cut off unread. */
const maxErrorBytes = 2 ** 16;

export class Connection {
  /** Without a slash at the end. */
  readonly url: string;
  readonly #token: string | undefined;
  readonly #retry: RetryPolicy;

  /** Throws USAGE where the URL is no http(s) URL. */
  constructor(url: string | URL, options: ConnectionOptions = {}) {
    const parsed = URL.canParse(String(url)) ? new URL(url) : null;
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new CipherloomError('USAGE', `${JSON.stringify(String(url))} is no URL of a server`, {
        phase: 'client',
        hint: 'give it as https://host or http://127.0.0.1:8080',
      });
    }
    this.url = (parsed.origin + parsed.pathname).replace(/\/+$/, '');
    this.#token = options.token;
    this.#retry = { ...defaultRetry, ...options.retry };
  }

  /**
   * Send a request; again after a network failure or a 429, 502 or 503, with growing waits.
   *
   * All requests of the protocol may be repeated: an upload says where its bytes belong, an
   * inference has an id.
   *
   * Throws SERVER_UNREACHABLE, the error the server names, RESPONSE_INVALID for an answer that is too
   * long, and the signal's reason
   */
  async send(path: string, options: RequestOptions): Promise<Answer> {
    const { signal, accept = [] } = options;
    const retry = { ...this.#retry, attempts: options.attempts ?? this.#retry.attempts };
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      const outcome = await this.#attempt(path, options).catch((error: unknown) => {
        signal?.throwIfAborted();
        if (error instanceof CipherloomError) throw error;
        return this.#unreachable(error, failures);
      });
      let failure: CipherloomError;
      let retryAfter: string | null = null;
      if (outcome instanceof CipherloomError) {
        failure = outcome;
      } else if (outcome.status === 200 || accept.includes(outcome.status)) {
        return outcome;
      } else {
        failure = serverError(outcome.status, outcome.body, this.url);
        if (!isTransient(outcome.status)) throw failure;
        retryAfter = outcome.headers.get('retry-after');
      }
      const delay = retryDelay(retry, failures, retryAfter);
      if (delay === null) throw failure;
      options.onRetry?.(failure);
      await wait(delay, signal);
    }
  }

  async #attempt(path: string, options: RequestOptions): Promise<Answer> {
    const { method = 'GET', headers = {}, body, maxBytes, timeoutMs, signal } = options;
    const ends = [
      ...(signal === undefined ? [] : [signal]),
      ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)]),
    ];
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...headers,
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(body === undefined ? {} : { body }),
      ...(ends.length === 0 ? {} : { signal: AbortSignal.any(ends) }),
      // The token is for this server alone, and nothing of this is for a cache.
      redirect: 'error',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
    });
    const expected = response.status === 200 || options.accept?.includes(response.status) === true;
    return {
      status: response.status,
      headers: response.headers,
      body: expected
        ? await readWithin(response, maxBytes)
        : await readWithin(response, maxErrorBytes).catch(() => new Uint8Array()),
    };
  }

  #unreachable(cause: unknown, attempts: number): CipherloomError {
    const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
    return new CipherloomError(
      'SERVER_UNREACHABLE',
      `${this.url} ${timedOut ? 'did not answer in time' : 'cannot be reached'}${attempts > 1 ? ` (${attempts} attempts)` : ''}`,
      {
        phase: 'client',
        node: this.url,
        details: { attempts },
        hint: 'check the address and that the server runs; a web page also needs `serve --cors` with its origin, and `connect-src` in its Content-Security-Policy',
        cause,
      },
    );
  }
}

/**
 * Read a body of at most so many bytes.
 *
 * Memory is that of the bytes that came, not of a length that is claimed. Throws RESPONSE_INVALID.
 */
async function readWithin(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLong = (got: number | string): CipherloomError =>
    new CipherloomError(
      'RESPONSE_INVALID',
      `the answer of the server has ${got} bytes, at most ${maxBytes} are expected`,
      {
        phase: 'client',
        details: { got, most: maxBytes },
        hint: 'check that the address is that of a cipherloom server with this model',
      },
    );
  const stated = Number(response.headers.get('content-length') ?? 0);
  if (stated > maxBytes) {
    await response.body?.cancel();
    throw tooLong(stated);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (next?.value === undefined) break;
    length += next.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      throw tooLong(`more than ${maxBytes}`);
    }
    chunks.push(next.value);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
