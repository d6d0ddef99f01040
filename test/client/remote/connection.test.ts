import { expect, test } from 'vitest';
import { Connection } from '../../../src/client/remote/connection.ts';
import { retryDelay } from '../../../src/client/remote/retry.ts';
import { errorOf } from '../../support/error-of.ts';
import { testServer } from './http-server.ts';

const retry = { attempts: 4, firstDelayMs: 1, longestDelayMs: 1000 };
const options = { maxBytes: 1000 };

test('a request that fails for a while is sent until it succeeds', async () => {
  const statuses = [503, 429, 502, 200];
  const seen: string[] = [];
  await using server = await testServer((request, response) => {
    seen.push(`${request.method ?? ''} ${request.headers.authorization ?? ''}`);
    response.writeHead(statuses.shift() ?? 500).end('ok');
  });
  const connection = new Connection(`${server.url}/`, { token: 'secret', retry });
  const { body } = await connection.send('/v2', options);
  expect(new TextDecoder().decode(body)).toBe('ok');
  expect(seen).toEqual(Array.from({ length: 4 }, () => 'GET Bearer secret'));
});

test('a connection that breaks is made again', async () => {
  let requests = 0;
  await using server = await testServer((request, response) => {
    if (++requests < 3) request.socket.destroy();
    else response.end('ok');
  });
  await new Connection(server.url, { retry }).send('/v2', options);
  expect(requests).toBe(3);
});

test('a server that is not there, after all attempts', async () => {
  const server = await testServer(() => undefined);
  await server[Symbol.asyncDispose]();
  const failures: string[] = [];
  const sent = new Connection(server.url, { retry }).send('/v2', {
    ...options,
    onRetry: ({ message }) => failures.push(message),
  });
  await expect(sent).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    details: { attempts: 4 },
  });
  expect(failures.length).toBe(3);
});

test('a server that says nothing', async () => {
  await using server = await testServer(() => undefined);
  const connection = new Connection(server.url, { retry: { ...retry, attempts: 1 } });
  await expect(connection.send('/v2', { ...options, timeoutMs: 50 })).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    message: expect.stringContaining('in time') as unknown,
  });
});

test('an error of the server keeps its code and hint; its text cannot steer a terminal', async () => {
  await using server = await testServer((_request, response) => {
    const body = {
      error: `no such\u001b[2Jkeys${'x'.repeat(9999)}`,
      code: 'NOT_FOUND',
      hint: 'upload',
    };
    response.writeHead(404).end(JSON.stringify(body));
  });
  const error = await new Connection(server.url, { retry })
    .send('/v2', options)
    .catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: 'NOT_FOUND', hint: 'upload', details: { status: 404 } });
  expect((error as Error).message).toMatch(/^server: no such \[2Jkeysx+$/);
  expect((error as Error).message.length).toBeLessThan(520);
});

test.each([
  [400, 'not JSON', 'SERVER_FAILED'],
  [500, '{"code":"NO_SUCH_CODE"}', 'SERVER_FAILED'],
  [401, '', 'UNAUTHORIZED'],
  [413, '[]', 'RESOURCE_LIMIT'],
  [400, '{"code":"toString"}', 'SERVER_FAILED'],
])('status %d with %j', async (status, body, code) => {
  await using server = await testServer((_request, response) => {
    response.writeHead(status).end(body);
  });
  await expect(new Connection(server.url, { retry }).send('/', options)).rejects.toMatchObject({
    code,
  });
});

test('B8: an answer that is too long is refused before it is read', async () => {
  let written = 0;
  await using server = await testServer((request, response) => {
    if (request.url === '/stated') {
      response.writeHead(200, { 'content-length': 2 ** 40 }).flushHeaders();
      return;
    }
    const write = (): void => {
      while (!response.destroyed && written < 2 ** 28) {
        written += 65536;
        if (!response.write(Buffer.alloc(65536))) {
          response.once('drain', write);
          return;
        }
      }
    };
    write();
  });
  const connection = new Connection(server.url, { retry });
  for (const path of ['/stated', '/endless']) {
    await expect(connection.send(path, options)).rejects.toMatchObject({
      code: 'RESPONSE_INVALID',
    });
  }
  expect(written).toBeLessThan(2 ** 27);
});

test('the token goes to no other address', async () => {
  let asked = 0;
  await using other = await testServer((_request, response) => {
    asked++;
    response.end();
  });
  await using server = await testServer((_request, response) => {
    response.writeHead(307, { location: other.url }).end();
  });
  const connection = new Connection(server.url, {
    token: 'secret',
    retry: { ...retry, attempts: 1 },
  });
  await expect(connection.send('/', options)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect(asked).toBe(0);
});

test('aborting ends a request, and the wait for the next attempt', async () => {
  await using server = await testServer((request, response) => {
    if (request.url === '/busy') response.writeHead(503, { 'retry-after': '1' }).end();
  });
  for (const path of ['/busy', '/silent']) {
    const connection = new Connection(server.url, { retry: { ...retry, longestDelayMs: 60_000 } });
    const signal = AbortSignal.timeout(60);
    const sent = connection.send(path, { ...options, signal });
    await expect(sent).rejects.toMatchObject({ name: 'TimeoutError' });
  }
});

test.each(['', 'localhost:8080', 'ftp://host', 'javascript:1'])('%j is no server', (url) => {
  expect(errorOf(() => new Connection(url)).code).toBe('USAGE');
});

test('waits double, keep to Retry-After, and end', () => {
  const policy = { attempts: 5, firstDelayMs: 100, longestDelayMs: 300 };
  for (const [failures, most] of [
    [1, 100],
    [2, 200],
    [3, 300],
    [4, 300],
  ] as const) {
    const delay = retryDelay(policy, failures, null);
    expect(delay).toBeGreaterThanOrEqual(most / 2);
    expect(delay).toBeLessThanOrEqual(most);
  }
  expect(retryDelay(policy, 5, null)).toBeNull();
  expect(retryDelay({ ...policy, longestDelayMs: 5000 }, 1, '3')).toBe(3000);
  expect(retryDelay(policy, 1, '3')).toBeNull();
  expect(retryDelay(policy, 1, 'nonsense')).toBeLessThanOrEqual(100);
  expect(retryDelay(policy, 1, new Date(0).toUTCString())).toBeLessThanOrEqual(100);
});
