import { describe, expect, test } from 'vitest';
import { keyDigits } from '../../src/layout/key-digits.ts';
import { ciphertextBlobBytes, readCiphertextBlob } from '../../src/seal/ciphertext-blob.ts';
import {
  EvaluationKeys,
  KeyLoader,
  SealContexts,
  evaluationKeyBytes,
  loadSeal,
  memorySource,
  switchingKeyBytes,
  writeEvaluationKeys,
  type SwitchingKeyRequest,
} from '../../src/seal/index.ts';
import { SealHandle } from '../../src/seal/load-seal.ts';
import { keyModuli } from '../../src/seal/parameters.ts';
import {
  generateSecretKey,
  readSecretKey,
  SecretKeyUser,
  writeSecretKey,
  type SecretKey,
} from '../../src/seal/secret-key.ts';
import { galoisElement, writeSeededDigit } from '../../src/seal/switching-key-blob.ts';
import { collect, toyParameters, toyPlanHash, toyVector, worstBits } from './toy-parameters.ts';
import { centredCoefficients, turned } from './transform.ts';

// DISCLAIMER: 1024 with these primes protects nothing.
const ringDegree = 1024;
const parameters = toyParameters(ringDegree, [42, 40, 40, 40, 40], 2);
const requests: readonly SwitchingKeyRequest[] = [
  { kind: 'relinearisation', step: 0, primeCount: 5 },
  { kind: 'rotation', step: 1, primeCount: 4 },
  { kind: 'rotation', step: -7, primeCount: 1 },
];

/** Second polynomials as SEAL expands them. */
function expand(contexts: SealContexts, primeCount: number, seeded: Uint8Array): BigUint64Array {
  const { instance } = contexts;
  const moduli = primeCount + parameters.specialPrimes.length;
  const blob = instance.call('expanding', (seal) => {
    using digit = new SealHandle(instance, new seal.PublicKey());
    digit.raw.loadFromArray(contexts.keys(primeCount), seeded);
    return digit.raw.saveToArray(seal.ComprModeType.none) as Uint8Array<ArrayBuffer>;
  });
  expect(blob.length).toBe(ciphertextBlobBytes(ringDegree, moduli, 'expanded'));
  return readCiphertextBlob(blob, ringDegree, moduli, 'expanded').words;
}

function residue(words: BigUint64Array, i: number): BigUint64Array {
  return words.subarray(i * ringDegree, (i + 1) * ringDegree);
}

/** s modulo a modulus of a key for `primeCount` primes. */
function secretResidue(secret: SecretKey, primeCount: number, i: number): BigUint64Array {
  return residue(secret.words, i < primeCount ? i : parameters.primes.length + i - primeCount);
}

describe('keys of several special primes', () => {
  test('every digit encrypts P·s′ at its primes and zero at the others', async () => {
    const instance = await loadSeal();
    using contexts = new SealContexts(instance, parameters);
    using secret = generateSecretKey(contexts);
    using user = new SecretKeyUser(contexts, secret);
    const binding = { planHash: toyPlanHash, parameters };
    const bundle = await collect(
      writeEvaluationKeys(binding, requests, (request) => user.makeSwitchingKey(request)),
    );
    expect(bundle.length).toBe(evaluationKeyBytes(parameters, requests));
    const keys = await EvaluationKeys.open(memorySource(bundle), binding);
    await keys.verify();
    const special = parameters.specialPrimes.reduce((product, prime) => product * prime, 1n);

    const errors: number[] = [];
    for (const request of requests) {
      const { primeCount } = request;
      const moduli = keyModuli(parameters, primeCount);
      const { digits } = await keys.read(request);
      const ranges = keyDigits(primeCount, 2);
      expect(digits.length).toBe(ranges.length);
      digits.forEach((digit, j) => {
        const space = { ringDegree, moduli, parmsId: contexts.keyParmsId(primeCount) };
        const words = expand(contexts, primeCount, writeSeededDigit(digit, space));
        const seen = moduli.map((modulus, i) => {
          const s = secretResidue(secret, primeCount, i);
          const other =
            request.kind === 'rotation'
              ? turned(s, galoisElement(ringDegree, request.step))
              : s.map((value) => (value * value) % modulus);
          const inside = i >= ranges[j]!.first && i < ranges[j]!.end && i < primeCount;
          const c0 = residue(words, i);
          const c1 = residue(words, moduli.length + i);
          const noise = c0.map((value, n) => {
            const expected = inside ? (special % modulus) * other[n]! : 0n;
            const phase = (value + c1[n]! * s[n]! - expected) % modulus;
            return phase < 0n ? phase + modulus : phase;
          });
          return centredCoefficients(noise, modulus);
        });
        // One small polynomial, the same modulo every prime.
        for (const coefficients of seen) expect(coefficients).toEqual(seen[0]);
        errors.push(...seen[0]!.map(Number));
      });
    }
    // A centred binomial of 21 coins a side: variance 10.5, never beyond 21.
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(21);
    const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    expect(deviation).toBeGreaterThan(3.24 * 0.95);
    expect(deviation).toBeLessThan(3.24 * 1.05);
  });

  test('their sizes: fewer digits, more residues', () => {
    // 64 bytes of seed a digit; 1024 / 8 bytes for every bit of a modulus.
    const bits = 42 + 40 + 40 + 40 + 40 + 50 + 50;
    expect(switchingKeyBytes(parameters, 5)).toBe(3 * (64 + 128 * bits));
    expect(switchingKeyBytes(parameters, 1)).toBe(64 + 128 * (42 + 50 + 50));
  });

  test('encryption and decryption, and the key file, know of no special primes', async () => {
    const instance = await loadSeal();
    using contexts = new SealContexts(instance, parameters);
    using secret = generateSecretKey(contexts);
    const binding = { planHash: toyPlanHash, parameters };
    using read = await readSecretKey(await writeSecretKey(secret, binding), binding);
    expect(read.words).toEqual(secret.words);
    using user = new SecretKeyUser(contexts, read);
    const values = toyVector(ringDegree / 2);
    const blob = user.encrypt(values, 2 ** 30, 3, 'x');
    const back = user.decrypt(blob, { name: 'x', index: 0, scale: 2 ** 30, form: 'seeded' }, 3);
    expect(worstBits(back, values)).toBeLessThan(-18);
  });

  test("SEAL's evaluator refuses them by name", async () => {
    const instance = await loadSeal();
    using contexts = new SealContexts(instance, parameters);
    using secret = generateSecretKey(contexts);
    using user = new SecretKeyUser(contexts, secret);
    const binding = { planHash: toyPlanHash, parameters };
    const bundle = await collect(
      writeEvaluationKeys(binding, [], (request) => user.makeSwitchingKey(request)),
    );
    const keys = await EvaluationKeys.open(memorySource(bundle), binding);
    expect(() => new KeyLoader(contexts, keys, { capBytes: 1 })).toThrow(/special-primes/);
  });

  test('nothing is left behind in WebAssembly', async () => {
    const instance = await loadSeal();
    const before = instance.liveHandles;
    {
      using contexts = new SealContexts(instance, parameters);
      using secret = generateSecretKey(contexts);
      using user = new SecretKeyUser(contexts, secret);
      for (const request of requests) user.makeSwitchingKey(request);
    }
    expect(instance.liveHandles).toBe(before);
  });
});
