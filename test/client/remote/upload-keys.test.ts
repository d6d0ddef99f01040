import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Connection } from '../../../src/client/remote/connection.ts';
import { keysInMemory } from '../../../src/client/remote/key-source.ts';
import { uploadKeys } from '../../../src/client/remote/upload-keys.ts';
import { testServer, type TestServer } from './http-server.ts';

const keys = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 251);
const source = await keysInMemory({ bytes: () => Promise.resolve(keys) });
const retry = { attempts: 8, firstDelayMs: 1, longestDelayMs: 2 };

/** What happens to a part: it arrives; it arrives, and the answer is lost; it is lost. */
type Fate = 'arrives' | 'unanswered' | 'lost' | 'busy';

/** Stores parts as the protocol says, and fails as told. */
async function keyStore(fates: Fate[], stored: number[]): Promise<TestServer> {
  return testServer((request, response, body) => {
    const answer = (status: number, state: object): void => {
      response.writeHead(status).end(JSON.stringify(state));
    };
    const state = (): object => ({
      received: stored.length,
      total: keys.length,
      complete: stored.length === keys.length,
    });
    if (request.method === 'GET') {
      answer(stored.length === 0 ? 404 : 200, state());
      return;
    }
    const fate = fates.shift() ?? 'arrives';
    if (fate === 'busy') {
      answer(503, {});
      return;
    }
    if (fate === 'lost') {
      request.socket.destroy();
      return;
    }
    const [from = -1, last = -1, total] = (request.headers['content-range'] ?? '')
      .split(/\D+/)
      .slice(1)
      .map(Number);
    if (total !== keys.length || last - from + 1 !== body.length) {
      answer(400, { error: 'Content-Range' });
      return;
    }
    if (from !== stored.length) {
      answer(409, state());
      return;
    }
    stored.push(...body);
    if (fate === 'unanswered') request.socket.destroy();
    else answer(stored.length === keys.length ? 201 : 202, state());
  });
}

test('keys are named by their content', () => {
  expect(source.sha256).toBe(createHash('sha256').update(keys).digest('hex'));
});

test('whatever happens to its parts, the whole arrives, once', async () => {
  const fate = fc.constantFrom<Fate>('arrives', 'unanswered', 'lost', 'busy');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fate, { maxLength: 6 }),
      fc.integer({ min: 100, max: 1200 }),
      fc.integer({ min: 0, max: 1000 }),
      async (fates, partBytes, before) => {
        const stored = [...keys.subarray(0, before)];
        await using server = await keyStore(fates, stored);
        const seen: number[] = [];
        const result = await uploadKeys(new Connection(server.url, { retry }), 'm', source, {
          partBytes,
          onProgress: ({ sentBytes, totalBytes }) => {
            expect(totalBytes).toBe(1000);
            seen.push(sentBytes);
          },
        });
        expect(Uint8Array.from(stored)).toEqual(keys);
        expect(result.resumedFrom).toBe(before);
        expect(seen[0]).toBe(before);
        expect(seen.at(-1)).toBe(1000);
      },
    ),
    { numRuns: 40 },
  );
});

test('aborted in the middle, then gone on with', async () => {
  const stored: number[] = [];
  await using server = await keyStore([], stored);
  const connection = new Connection(server.url, { retry });
  const controller = new AbortController();
  const first = uploadKeys(connection, 'm', source, {
    partBytes: 100,
    signal: controller.signal,
    onProgress: ({ sentBytes }) => {
      if (sentBytes === 300) controller.abort();
    },
  });
  await expect(first).rejects.toMatchObject({ name: 'AbortError' });
  const result = await uploadKeys(connection, 'm', source, { partBytes: 100 });
  expect(result).toEqual({ resumedFrom: 300, sentBytes: 700 });
});

test('a server that leads in circles is left', async () => {
  await using server = await testServer((request, response) => {
    response.writeHead(request.method === 'GET' ? 404 : 409).end('{"received":0}');
  });
  const uploaded = uploadKeys(new Connection(server.url, { retry }), 'm', source);
  await expect(uploaded).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
});

test.each(['{}', '{"received":-1}', '{"received":1e99}', '{"received":1001}', 'nothing'])(
  'a server that has received %s',
  async (state) => {
    await using server = await testServer((request, response) => {
      response.writeHead(request.method === 'GET' ? 404 : 202).end(state);
    });
    const uploaded = uploadKeys(new Connection(server.url, { retry }), 'm', source);
    await expect(uploaded).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
  },
);
