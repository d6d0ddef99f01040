import { expect, test } from 'vitest';
import {
  canRunSeal,
  loadSeal,
  readSealParameters,
  requireEngine,
  SealContexts,
} from '../../src/seal/index.ts';
import { SealHandle } from '../../src/seal/load-seal.ts';
import { findPrimes } from './toy-parameters.ts';

test('J3: an engine without exception references is refused in one line', () => {
  expect(canRunSeal()).toBe(true);
  let message = '';
  try {
    requireEngine(false);
  } catch (error) {
    message = (error as Error).message;
    expect(error).toMatchObject({ code: 'NODE_TOO_OLD', exit: 2 });
  }
  expect(message).toBe(
    `Node.js ${process.version} cannot run SEAL's WebAssembly; 24.15 or later is needed`,
  );
});

test('one instance is shared', async () => {
  const [a, b] = await Promise.all([loadSeal(), loadSeal()]);
  expect(a).toBe(b);
});

test('J2: a freed object says so, freeing twice is harmless', async () => {
  const instance = await loadSeal();
  const before = instance.liveHandles;
  const handle = instance.call('making', (seal) => new SealHandle(instance, new seal.Plaintext()));
  expect(instance.liveHandles).toBe(before + 1);
  handle.dispose();
  handle.dispose();
  expect(instance.liveHandles).toBe(before);
  expect(() => handle.raw).toThrow(/used after it was freed/);
});

test('what SEAL refuses after our checks is our bug and keeps its words', async () => {
  const instance = await loadSeal();
  expect(() => instance.call('making a modulus', (seal) => new seal.Modulus(1n))).toThrow(
    /SEAL refused making a modulus: value can be at most 61-bit/,
  );
  expect(instance.lost).toBe(false);
});

const good = {
  ringDegree: 1024,
  primes: findPrimes(1024, [40, 41]).map(String),
  specialPrimes: findPrimes(1024, [50]).map(String),
  securityTarget: 128,
  insecure: true,
} as const;

test.each([
  ['ring degree 1000', { ringDegree: 1000 }, /ring degree 1000/],
  ['ring degree 2^18', { ringDegree: 2 ** 18 }, /ring degree 262144/],
  ['no primes', { primes: [] }, /number of data primes/],
  ['no special prime', { specialPrimes: [] }, /number of special primes/],
  [
    'more special primes than data primes',
    { specialPrimes: findPrimes(1024, [50, 49, 48]).map(String) },
    /number of special primes/,
  ],
  ['a prime of 61 bits', { primes: findPrimes(1024, [61]).map(String) }, /outside 3/],
  ['a prime without transform', { primes: ['1000003'] }, /not 1 modulo 2048/],
  ['duplicate primes', { primes: [good.primes[0]!, good.primes[0]!] }, /occurs twice/],
  ['no number', { primes: ['0x11'] }, /not a decimal number/],
])('A1: %s', (_name, change, message) => {
  expect(() => readSealParameters({ ...good, ...change })).toThrow(message);
});

test('A1: a composite is refused by SEAL, and nothing is left behind', async () => {
  const instance = await loadSeal();
  const before = instance.liveHandles;
  // 1 modulo 2048, but 3 · 683.
  using contexts = new SealContexts(instance, readSealParameters({ ...good, primes: ['2049'] }));
  expect(() => contexts.level(1)).toThrow(/one of them is not prime/);
  expect(instance.liveHandles).toBe(before);
});
