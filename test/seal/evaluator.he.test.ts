import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  EvaluationKeys,
  KeyLoader,
  SealContexts,
  SealEvaluator,
  evaluationKeyBytes,
  loadSeal,
  memorySource,
  residentKeyBytes,
  switchingKeyBytes,
  writeEvaluationKeys,
  type SealCiphertext,
  type SealInstance,
  type SwitchingKeyRequest,
} from '../../src/seal/index.ts';
import { generateSecretKey, SecretKeyUser, type SecretKey } from '../../src/seal/secret-key.ts';
import { collect, toyParameters, toyPlanHash, toyVector, worstBits } from './toy-parameters.ts';

// DISCLAIMER: 4096 with 210 bits protects nothing.
const parameters = toyParameters(4096, [45, 40, 40, 35]);
const slots = 2048;
const scale = 2 ** 35;
const requests: readonly SwitchingKeyRequest[] = [
  { kind: 'relinearisation', step: 0, primeCount: 3 },
  { kind: 'rotation', step: 5, primeCount: 4 },
  { kind: 'rotation', step: -3, primeCount: 2 },
  { kind: 'rotation', step: 1024, primeCount: 1 },
];

let instance: SealInstance;
let contexts: SealContexts;
let secretKey: SecretKey;
let user: SecretKeyUser;
let evaluator: SealEvaluator;
let bundle: Uint8Array<ArrayBuffer>;
let keys: EvaluationKeys;
let loader: KeyLoader;

beforeAll(async () => {
  instance = await loadSeal();
  contexts = new SealContexts(instance, parameters);
  secretKey = generateSecretKey(contexts);
  user = new SecretKeyUser(contexts, secretKey);
  evaluator = new SealEvaluator(contexts);
  const binding = { planHash: toyPlanHash, parameters };
  bundle = await collect(
    writeEvaluationKeys(binding, requests, (request) => user.makeSwitchingKey(request)),
  );
  keys = await EvaluationKeys.open(memorySource(bundle), binding);
  loader = new KeyLoader(contexts, keys, { capBytes: 2 ** 28 });
});

afterAll(() => {
  loader[Symbol.dispose]();
  evaluator[Symbol.dispose]();
  user[Symbol.dispose]();
  secretKey[Symbol.dispose]();
  contexts[Symbol.dispose]();
  expect(instance.liveHandles).toBe(0);
});

function encrypt(values: Float64Array, primeCount: number): SealCiphertext {
  const blob = user.encrypt(values, scale, primeCount, 'x');
  return evaluator.load(blob, { name: 'x', scale, primeCount, form: 'seeded' });
}

function decrypt(ct: SealCiphertext): Float64Array {
  return user.decrypt(
    evaluator.save(ct),
    { name: 'y', scale: ct.scale, form: 'expanded' },
    ct.primeCount,
  );
}

const rotated = (values: Float64Array, step: number): Float64Array =>
  Float64Array.from(values, (_, i) => values[(i + step + slots) % slots]!);

describe('keys', () => {
  test('take exactly the predicted bytes', () => {
    expect(bundle.length).toBe(evaluationKeyBytes(parameters, requests));
    // Digits × (seed + residues): nothing of the levels above is sent.
    // Residues of 45, 40, 40, 35 bits and of 50 for the special prime.
    expect(switchingKeyBytes(parameters, 1)).toBe(64 + 512 * (45 + 50));
    expect(switchingKeyBytes(parameters, 4)).toBe(4 * (64 + 512 * (45 + 40 + 40 + 35 + 50)));
  });

  test('pass their own verification', async () => {
    await expect(keys.verify()).resolves.toBeUndefined();
  });

  test('two bundles of one secret share nothing but the head', async () => {
    const first = user.makeSwitchingKey(requests[3]!);
    const second = user.makeSwitchingKey(requests[3]!);
    expect(first.subarray(0, 64)).not.toEqual(second.subarray(0, 64));
    expect(first.subarray(64, 128)).not.toEqual(second.subarray(64, 128));
  });
});

// Rotation error of SEAL's uncentred digits at P = 2^50, q < 2^45 and scale 2^35 is far below this.
const bits = -14;

describe('rotation', () => {
  test.each([
    { step: 5, primeCount: 4 },
    // The key was sent for four primes; the value has fewer.
    { step: 5, primeCount: 3 },
    { step: 5, primeCount: 1 },
    { step: -3, primeCount: 2 },
    { step: 1024, primeCount: 1 },
  ])('by $step at $primeCount primes', async ({ step, primeCount }) => {
    const values = toyVector(slots, step);
    using x = encrypt(values, primeCount);
    const key = await loader.load({ kind: 'rotation', step, primeCount });
    using y = evaluator.rotate(x, key);
    expect(y.primeCount).toBe(primeCount);
    expect(worstBits(decrypt(y), rotated(values, step))).toBeLessThan(bits);
  });

  test('a key is not used above its level', async () => {
    await expect(loader.load({ kind: 'rotation', step: -3, primeCount: 3 })).rejects.toMatchObject({
      code: 'KEYS_INVALID',
      details: { missing: ['rotation -3'] },
    });
    using x = encrypt(toyVector(slots), 2);
    const key = await loader.load({ kind: 'rotation', step: 5, primeCount: 3 });
    expect(() => evaluator.rotate(x, key)).toThrow(/loaded for 3 primes, the value has 2/);
  });
});

describe('multiplication', () => {
  test.each([3, 2])('and relinearisation at %i primes', async (primeCount) => {
    const a = toyVector(slots, 3);
    const b = toyVector(slots, 4);
    using x = encrypt(a, primeCount);
    using y = encrypt(b, primeCount);
    using product = evaluator.multiply(x, y);
    expect(product.size).toBe(3);
    const key = await loader.load({ kind: 'relinearisation', step: 0, primeCount });
    using small = evaluator.relinearize(product, key);
    expect(small.size).toBe(2);
    using z = evaluator.rescale(small);
    expect(z.primeCount).toBe(primeCount - 1);
    expect(
      worstBits(
        decrypt(z),
        a.map((v, i) => v * b[i]!),
      ),
    ).toBeLessThan(bits);
  });

  test('by a zero plaintext gives zero, which no client accepts as a result', () => {
    using x = encrypt(toyVector(slots), 2);
    using zero = evaluator.encode(new Float64Array(slots), { scale: 2 ** 30, primeCount: 2 });
    using product = evaluator.multiplyPlain(x, zero);
    expect(() => decrypt(product)).toThrow(/transparent/);
    using y = encrypt(toyVector(slots), 2);
    evaluator.setScale(product, scale);
    using sum = evaluator.add(product, y);
    expect(worstBits(decrypt(sum), toyVector(slots))).toBeLessThan(-20);
  });
});

describe('encoding', () => {
  test.each([4, 3, 2, 1])('at %i primes equals encoding at the top', (primeCount) => {
    const values = toyVector(slots, 9);
    using x = encrypt(new Float64Array(slots), primeCount);
    using pt = evaluator.encode(values, { scale, primeCount });
    using y = evaluator.addPlain(x, pt);
    expect(worstBits(decrypt(y), values)).toBeLessThan(-20);
  });

  test('a number equals the vector that repeats it, bit for bit', () => {
    for (const value of [0, 1, -1, 0.3, -127.125, 2 ** -36, 1e-7]) {
      using x = encrypt(toyVector(slots), 2);
      using number = evaluator.encodeScalar(value, { scale, primeCount: 2 });
      using vector = evaluator.encode(new Float64Array(slots).fill(value), {
        scale,
        primeCount: 2,
      });
      using a = evaluator.addPlain(x, number);
      using b = evaluator.addPlain(x, vector);
      expect(evaluator.save(a)).toEqual(evaluator.save(b));
    }
  });

  test.each([NaN, Infinity, -Infinity, 1e300, 2 ** 9])('refuses %d', (value) => {
    // One prime of 45 bits and a scale of 2^35: room for magnitudes below 2^9.
    const values = toyVector(slots);
    values[17] = value;
    const form = { scale, primeCount: 1 };
    expect(() => evaluator.encode(values, form)).toThrow(/slot 17/);
    expect(() => evaluator.encodeScalar(value, form)).toThrow(/slot 0/);
    expect(() => user.encrypt(values, scale, 1, 'x')).toThrow(/x: slot 17/);
    values[17] = 2 ** 8;
    evaluator.encode(values, form).dispose();
  });

  test('refuses scales that the level cannot hold', () => {
    for (const bad of [0, -1, NaN, Infinity, 2 ** 45]) {
      expect(() => evaluator.encode(Float64Array.of(0), { scale: bad, primeCount: 1 })).toThrow(
        /scale/,
      );
    }
  });
});

describe('arithmetic', () => {
  test('add, sub, negate, addPlain, multiplyPlain, drop', () => {
    const a = toyVector(slots, 5);
    const b = toyVector(slots, 6);
    using x = encrypt(a, 3);
    using y = encrypt(b, 3);
    using sum = evaluator.add(x, y);
    using difference = evaluator.sub(x, y);
    using minus = evaluator.negate(x);
    using pt = evaluator.encode(b, { scale, primeCount: 3 });
    using plainSum = evaluator.addPlain(x, pt);
    using plainDifference = evaluator.subPlain(x, pt);
    using plainProduct = evaluator.multiplyPlain(x, pt);
    using dropped = evaluator.modSwitchTo(x, 1);
    evaluator.addInPlace(y, x);
    const near = (ct: SealCiphertext, expected: (i: number) => number): void => {
      expect(
        worstBits(
          decrypt(ct),
          a.map((_, i) => expected(i)),
        ),
      ).toBeLessThan(-18);
    };
    near(sum, (i) => a[i]! + b[i]!);
    near(y, (i) => a[i]! + b[i]!);
    near(difference, (i) => a[i]! - b[i]!);
    near(minus, (i) => -a[i]!);
    near(plainSum, (i) => a[i]! + b[i]!);
    near(plainDifference, (i) => a[i]! - b[i]!);
    near(plainProduct, (i) => a[i]! * b[i]!);
    near(dropped, (i) => a[i]!);
    expect(dropped.primeCount).toBe(1);
  });

  test('unequal scales and levels are bugs, not approximations', () => {
    using x = encrypt(toyVector(slots), 2);
    using y = encrypt(toyVector(slots), 2);
    using lower = evaluator.modSwitchTo(x, 1);
    evaluator.setScale(y, scale * (1 + 2 ** -52));
    expect(() => evaluator.add(x, y)).toThrow(/scale/);
    expect(() => evaluator.add(x, lower)).toThrow(/2 primes meet 1/);
    expect(() => evaluator.multiply(lower, lower)).toThrow(/exceeds the modulus/);
  });
});

test('a key cache under its cap frees the oldest keys', async () => {
  const bytes = residentKeyBytes(4096, 2, 1);
  using small = new KeyLoader(contexts, keys, { capBytes: 2 * bytes });
  const load = (step: number): Promise<unknown> =>
    small.load({ kind: 'rotation', step, primeCount: step === 5 ? 2 : 1 });
  await load(5);
  await load(1024);
  await load(5);
  expect(small.loads).toBe(2);
  expect(small.residentBytes).toBeLessThanOrEqual(2 * bytes);
  await small.load({ kind: 'rotation', step: -3, primeCount: 2 });
  await small.load({ kind: 'relinearisation', step: 0, primeCount: 2 });
  expect(small.residentBytes).toBeLessThanOrEqual(2 * bytes);
  await load(5);
  expect(small.loads).toBe(5);
  await expect(small.load({ kind: 'rotation', step: 5, primeCount: 4 })).rejects.toMatchObject({
    code: 'RESOURCE_LIMIT',
  });
});
