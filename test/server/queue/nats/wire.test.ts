import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readUrl } from '../../../../src/server/queue/nats/connection.ts';
import { jobMessage } from '../../../../src/server/queue/nats/messages.ts';
import { partCount, partOf } from '../../../../src/server/queue/nats/names.ts';
import { deliveryOf } from '../../../../src/server/queue/nats/pull.ts';
import {
  decodeRequestBody,
  encodeRequestBody,
  requestDigest,
} from '../../../../src/server/queue/nats/request-body.ts';
import { errorOf } from '../../../support/error-of.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => new Uint8Array(array));
const tensor = fc.oneof(
  fc.float32Array({ maxLength: 20 }).map((array) => new Float32Array(array)),
  fc.float64Array({ maxLength: 20 }).map((array) => new Float64Array(array)),
);

describe('a request in the queue', () => {
  it('comes back as it was', () => {
    const tensors = fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
      fc.oneof(
        tensor,
        tensor.map((data) => ({ data, shape: [1, data.length] })),
      ),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(bytes, tensors, (request, known) => {
        const decoded = decodeRequestBody(encodeRequestBody({ request, public: known }));
        expect(decoded).toEqual({ request, public: known });
      }),
    );
  });

  it('is refused where it is cut short', () => {
    const [head, request] = encodeRequestBody({
      request: new Uint8Array(3),
      public: { x: new Float64Array(4) },
    });
    for (const length of [0, 3, 4, 20]) {
      expect(errorOf(() => decodeRequestBody([head.subarray(0, length), request])).code).toBe(
        'REQUEST_INVALID',
      );
    }
  });

  it('has a digest of its own for every head and every checksum of a file', () => {
    const file = Uint8Array.from({ length: 100 }, (_, i) => i);
    const known = { x: Float64Array.of(1) };
    const digest = (request: Uint8Array<ArrayBuffer>, x: number): string =>
      requestDigest(encodeRequestBody({ request, public: { x: Float64Array.of(x) } }));
    const whole = requestDigest(encodeRequestBody({ request: file, public: known }));
    expect(digest(file, 1)).toBe(whole);
    expect(digest(file, 2)).not.toBe(whole);
    for (let at = 68; at < 100; at++) expect(digest(file.with(at, 255), 1)).not.toBe(whole);
  });
});

describe('messages', () => {
  it('are refused where they are none', () => {
    for (const text of ['', '{', 'null', '{}', '{"format":2}']) {
      expect(errorOf(() => jobMessage.decode(Buffer.from(text))).code).toBe('REQUEST_INVALID');
    }
  });

  it('say how often they were delivered, in both forms of the reply', () => {
    expect(deliveryOf('$JS.ACK.CIPHERLOOM_JOBS.plan-3.7.12.15.1700000000.0')).toBe(7);
    expect(deliveryOf('$JS.ACK._.hash.CIPHERLOOM_JOBS.plan-3.2.12.15.1700000000.0.token')).toBe(2);
  });

  it('have a part among those with a consumer', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (tenant, keys) => {
        const part = partOf(tenant, keys);
        expect(part).toBe(partOf(tenant, keys));
        expect(Number.isInteger(part) && part >= 0 && part < partCount).toBe(true);
      }),
    );
  });
});

describe('the address of a queue', () => {
  it('names servers, a user and TLS', () => {
    expect(readUrl('nats://h:4222')).toEqual({ servers: ['h:4222'], tls: false });
    expect(readUrl('tls://u:p%40@a:1,tls://b:2')).toEqual({
      servers: ['a:1', 'b:2'],
      user: 'u',
      pass: 'p@',
      tls: true,
    });
  });

  it('is refused without its password where it is none', () => {
    const { code, message } = errorOf(() => readUrl('http://u:secret@h'));
    expect(code).toBe('USAGE');
    expect(message).not.toContain('secret');
  });
});
