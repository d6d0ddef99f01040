import { describe, expect, test } from 'vitest';
import { modelAddress } from '../../../src/client/remote/remote-model.ts';
import { testServer, type TestServer } from './http-server.ts';

const planHash = 'ab'.repeat(32);
const other = { name: 'other', version: 'cd'.repeat(8) };
const lola = { name: 'mnist-7', version: planHash.slice(0, 16) };

/** A server that lists these models. */
function listing(models: unknown): Promise<TestServer> {
  return testServer((request, response) => {
    const index = request.method === 'POST' && request.url === '/v2/repository/index';
    response.statusCode = index ? 200 : 404;
    response.end(JSON.stringify(index ? models : { error: 'no such page' }));
  });
}

describe('a model that is not named', () => {
  test('is found by its plan, whatever its name', async () => {
    await using server = await listing([other, lola]);
    expect((await modelAddress(server.url, {}, planHash)).name).toBe('mnist-7');
  });

  test('is the only one of the server, where no plan is known', async () => {
    await using one = await listing([lola]);
    expect((await modelAddress(one.url, {})).name).toBe('mnist-7');
    await using two = await listing([other, lola]);
    await expect(modelAddress(two.url, {})).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('"other", "mnist-7"') as string,
    });
  });

  test('is missed by plan, with the models that are there', async () => {
    await using server = await listing([other]);
    await expect(modelAddress(server.url, {}, planHash)).rejects.toMatchObject({
      code: 'PLAN_MISMATCH',
      hint: expect.stringContaining('"other"') as string,
    });
  });

  test.each([[null], [{}], [[1, 'x', { name: 3, version: 'v' }]]])(
    'is not found in %j',
    async (models) => {
      await using server = await listing(models);
      await expect(modelAddress(server.url, {}, planHash)).rejects.toMatchObject({
        code: 'PLAN_MISMATCH',
      });
    },
  );
});

test('a name that is given, or ends the URL, is taken without asking', async () => {
  const url = 'http://127.0.0.1:1';
  expect((await modelAddress(url, { model: 'a b' }, planHash)).name).toBe('a b');
  expect((await modelAddress(`${url}/v2/models/a%20b/`, {}, planHash)).name).toBe('a b');
});

test('an address that nobody answers under is given up at once, not after all retries', async () => {
  const retry = { attempts: 30, firstDelayMs: 1, longestDelayMs: 2 };
  await expect(modelAddress('http://127.0.0.1:1', { retry }, planHash)).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    details: { attempts: 3 },
  });
});
