/** Sending evaluation keys in parts, so that what was sent once is not sent again. */
import { CipherloomError } from '../../errors.ts';
import type { Connection } from './connection.ts';
import type { KeySource } from './key-source.ts';
import { fieldsOf, numberIn } from './server-error.ts';

export interface UploadProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

export interface UploadOptions {
  /** Called at the start, with what the server has already, and after each part. */
  readonly onProgress?: (progress: UploadProgress) => void;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of a part; 4 MiB. */
  readonly partBytes?: number;
}

export interface UploadResult {
  /** Bytes that were on the server before. */
  readonly resumedFrom: number;
  /** Bytes sent now. */
  readonly sentBytes: number;
}

/** 4 MiB: less than a second at 50 Mbit/s, and few requests for 100 MB. */
const defaultPartBytes = 2 ** 22;
/** The server checks every key when the last part has arrived. */
const partTimeoutMs = 300_000;
const maxStateBytes = 2 ** 20;
/** A server that keeps naming another place is not followed for ever. */
const maxCorrections = 16;

/**
 * Upload keys, from where an earlier upload of the same bytes stopped.
 *
 * Cost    memory of one part
 * Throws  KEYS_INVALID, RESOURCE_LIMIT and others that the server names; SERVER_UNREACHABLE;
 *         RESPONSE_INVALID; the signal's reason. What was sent stays on the server.
 */
export async function uploadKeys(
  connection: Connection,
  model: string,
  keys: KeySource,
  { onProgress, signal, partBytes = defaultPartBytes }: UploadOptions = {},
): Promise<UploadResult> {
  const total = keys.byteLength;
  const path = `/v2/keys/${keys.sha256}`;
  const found = await findKeys(connection, keys.sha256, signal);
  let at = found.complete ? total : Math.min(found.received, total);
  const resumedFrom = at;
  let sentBytes = 0;
  onProgress?.({ sentBytes: at, totalBytes: total });
  for (let corrections = 0; at < total;) {
    const end = Math.min(at + partBytes, total);
    const part = await keys.read(at, end - at);
    const { status, body } = await connection.send(`${path}?model=${encodeURIComponent(model)}`, {
      method: 'PUT',
      headers: { 'content-range': `bytes ${at}-${end - 1}/${total}` },
      body: part,
      accept: [201, 202, 409],
      maxBytes: maxStateBytes,
      timeoutMs: partTimeoutMs,
      signal,
    });
    if (status === 409) {
      // The answer to an earlier attempt was lost, or another page uploads the same keys.
      if (++corrections > maxCorrections) throw lost(at, total);
      at = receivedOf(body, total);
    } else {
      sentBytes += end - at;
      at = status === 202 ? receivedOf(body, total) : total;
      if (status === 202 && at !== end && ++corrections > maxCorrections) throw lost(at, total);
    }
    onProgress?.({ sentBytes: at, totalBytes: total });
  }
  return { resumedFrom, sentBytes };
}

/** How much of some keys a server has; nothing where it does not know them. */
export async function findKeys(
  connection: Connection,
  sha256: string,
  signal?: AbortSignal,
): Promise<{ readonly received: number; readonly complete: boolean }> {
  const { status, body } = await connection.send(`/v2/keys/${sha256}`, {
    accept: [404],
    maxBytes: maxStateBytes,
    timeoutMs: partTimeoutMs,
    signal,
  });
  if (status === 404) return { received: 0, complete: false };
  const complete = fieldsOf(body)['complete'] === true;
  return { received: receivedOf(body, Number.MAX_SAFE_INTEGER), complete };
}

/** Throws RESPONSE_INVALID. */
function receivedOf(body: Uint8Array, total: number): number {
  const received = numberIn(body, 'received');
  if (received !== null && received <= total) return received;
  throw new CipherloomError(
    'RESPONSE_INVALID',
    'the server does not say how much of the keys it has',
    {
      phase: 'client',
      details: { field: 'received', most: total },
      hint: 'check that the address is that of a cipherloom server',
    },
  );
}

function lost(at: number, total: number): CipherloomError {
  return new CipherloomError(
    'REQUEST_CONFLICT',
    `the upload does not get past byte ${at} of ${total}: the server names other places again and again`,
    {
      phase: 'client',
      details: { at, total, corrections: maxCorrections },
      hint: 'upload the same keys from one place at a time',
    },
  );
}
