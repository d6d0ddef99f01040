import { expect, test } from 'vitest';
import { Client, type ClientPlan } from '../../../src/client/index.ts';
import { findPrimes } from '../../seal/toy-parameters.ts';
import { ringDegree, squarePlan } from '../toy-plan.ts';
import { testServer } from './http-server.ts';

/** 274 bits, where 214 are 128-bit security. */
const primes = findPrimes(ringDegree, [44, 36, 36, 36, 36, 36, 50]).map(String);
const weak: ClientPlan = {
  ...squarePlan,
  parameters: {
    ...squarePlan.parameters,
    primes: primes.slice(0, -1),
    specialPrimes: primes.slice(-1),
    insecure: true,
  },
};

test("P1: a server's plan below 128 bits is refused unless it is allowed", async () => {
  await using server = await testServer((request, response) => {
    const metadata = { parameters: { plan: weak.planHash } };
    response.end(JSON.stringify(request.url?.endsWith('client.json') === true ? weak : metadata));
  });
  const connect = (insecure?: boolean) =>
    Client.connect(server.url, { model: 'm', ...(insecure === undefined ? {} : { insecure }) });
  await expect(connect()).rejects.toMatchObject({
    code: 'PARAMETERS_INSECURE',
    details: { ringDegree: 8192 },
  });
  await expect(connect(false)).rejects.toMatchObject({ code: 'PARAMETERS_INSECURE' });
  const { client } = await connect(true);
  expect(client.insecure).toBe(true);
});
