/** Bodies: their length is known before a byte is read, and they arrive in time or not at all. */
import type { IncomingMessage } from 'node:http';
import { malformed, RequestError } from '../request-error.ts';

/**
 * The stated length of a body.
 *
 * Throws REQUEST_INVALID for one that is missing (411) or no number, and for a compressed body (415).
 */
export function contentLength({ headers }: IncomingMessage): number {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw malformed('the body is compressed', {
      status: 415,
      node: 'Content-Encoding',
      details: { got: encoding, expected: 'identity' },
      hint: 'ciphertexts do not compress; send the body as it is',
    });
  }
  const text = headers['content-length'];
  if (text === undefined) {
    throw malformed('the request has no Content-Length', {
      status: 411,
      node: 'Content-Length',
      hint: 'state the length of the body; bodies in chunks are not taken',
    });
  }
  const length = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(length)) return length;
  throw malformed('Content-Length is no number of bytes', { node: 'Content-Length' });
}

/** A request without a type is taken for the first of them: some clients state none. Throws REQUEST_INVALID (415). */
export function requireContentType({ headers }: IncomingMessage, types: readonly string[]): void {
  const got = headers['content-type'];
  const [type = ''] = (got ?? types[0] ?? '').split(';', 1);
  if (types.includes(type.trim().toLowerCase())) return;
  throw malformed(`the body is ${JSON.stringify(type)}, expected ${types.join(' or ')}`, {
    status: 415,
    node: 'Content-Type',
    details: { got: type, expected: types },
    hint: `send Content-Type: ${types[0] ?? ''}`,
  });
}

/** Refuse a body over a limit before it is read. Throws RESOURCE_LIMIT. */
export function requireBodyWithin(length: number, limit: number): void {
  if (length <= limit) return;
  throw new RequestError('RESOURCE_LIMIT', `the body has ${length} bytes, ${limit} are allowed`, {
    status: 413,
    details: { got: length, limit },
    hint: 'send fewer images in one request',
  });
}

/**
 * The pieces of a body as they arrive.
 *
 * Throws DEADLINE_EXCEEDED (408) where it is not there in time, REQUEST_INVALID where the connection
 * broke.
 */
export async function* bodyChunks(
  body: IncomingMessage,
  timeoutMs: number,
): AsyncGenerator<Uint8Array, void, void> {
  const state = { late: false };
  const timer = setTimeout(() => {
    state.late = true;
    // Ends the loop below; the connection stays until the answer is sent.
    body.emit('error', new Error('late'));
  }, timeoutMs);
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    if (!body.complete) throw broken();
  } catch (error) {
    if (state.late) {
      throw new RequestError('DEADLINE_EXCEEDED', `the body was not there in ${timeoutMs} ms`, {
        status: 408,
        details: { limit: timeoutMs },
        hint: 'send keys in smaller parts (Content-Range); parts that arrived whole stay',
      });
    }
    throw error instanceof RequestError ? error : broken();
  } finally {
    clearTimeout(timer);
  }
}

/** A whole body of a stated length. Throws as `bodyChunks`. */
export async function readBody(
  body: IncomingMessage,
  length: number,
  timeoutMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of bodyChunks(body, timeoutMs)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw broken();
  return bytes;
}

function broken(): RequestError {
  return malformed('the connection broke before the body was there');
}
