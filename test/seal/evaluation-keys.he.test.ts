import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileSource } from '../../src/seal/file-source.ts';
import {
  EvaluationKeys,
  SealContexts,
  loadSeal,
  memorySource,
  switchingKeyBytes,
  writeEvaluationKeys,
  type ByteSource,
  type KeyBinding,
  type SwitchingKeyRequest,
} from '../../src/seal/index.ts';
import { generateSecretKey, SecretKeyUser, writeSecretKey } from '../../src/seal/secret-key.ts';
import { collect, toyParameters, toyPlanHash } from './toy-parameters.ts';

// DISCLAIMER: 1024 with 130 bits protects nothing.
const parameters = toyParameters(1024, [40, 40]);
const binding: KeyBinding = { planHash: toyPlanHash, parameters };
const requests: readonly SwitchingKeyRequest[] = [
  { kind: 'relinearisation', step: 0, primeCount: 2 },
  { kind: 'rotation', step: 1, primeCount: 2 },
  { kind: 'rotation', step: -7, primeCount: 1 },
];

let good: Uint8Array<ArrayBuffer>;
let secretFile: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  const instance = await loadSeal();
  using contexts = new SealContexts(instance, parameters);
  using secret = generateSecretKey(contexts);
  using user = new SecretKeyUser(contexts, secret);
  const make = (request: SwitchingKeyRequest): Uint8Array<ArrayBuffer> =>
    user.makeSwitchingKey(request);
  good = await collect(writeEvaluationKeys(binding, requests, make));
  secretFile = await writeSecretKey(secret, binding);
});

async function open(
  bytes: Uint8Array<ArrayBuffer>,
  to: KeyBinding = binding,
): Promise<EvaluationKeys> {
  const keys = await EvaluationKeys.open(memorySource(bytes), to);
  await keys.verify();
  return keys;
}

/** Change bytes of the head and make its checksum anew, as somebody who forges a file would. */
async function forged(change: (view: DataView) => void): Promise<Uint8Array<ArrayBuffer>> {
  const copy = good.slice();
  change(new DataView(copy.buffer));
  const hashed = 104 + 3 * 32;
  const digest = await crypto.subtle.digest('SHA-256', copy.subarray(0, hashed));
  copy.set(new Uint8Array(digest), hashed);
  return copy;
}

test('a good bundle opens and lists its keys', async () => {
  const keys = await open(good);
  expect(keys.requests).toMatchObject(requests);
  expect(keys.byteLength).toBe(good.length);
});

describe('K1: missing keys are listed', () => {
  test('by step', async () => {
    const keys = await open(good);
    keys.require(requests);
    const wanted = [...requests, { kind: 'rotation', step: 2, primeCount: 1 } as const];
    expect(() => {
      keys.require(wanted);
    }).toThrow(/1 of 4 keys are missing or trimmed too far: rotation 2$/);
  });
});

describe('K2: keys of another plan or other parameters', () => {
  test('another plan', async () => {
    const other = { ...binding, planHash: 'cd'.repeat(32) };
    await expect(open(good, other)).rejects.toMatchObject({
      code: 'KEYS_MISMATCH',
      details: { got: toyPlanHash, expected: other.planHash },
    });
  });
  test('other primes, another ring', async () => {
    for (const other of [toyParameters(1024, [40, 41]), toyParameters(2048, [40, 40])]) {
      await expect(open(good, { ...binding, parameters: other })).rejects.toMatchObject({
        code: 'KEYS_MISMATCH',
      });
    }
  });
});

describe('K3: damaged bundles', () => {
  test.each([0, 1, 8, 100, 200, 255])('the first %i bytes', async (length) => {
    await expect(open(good.slice(0, length))).rejects.toMatchObject({ code: 'KEYS_INVALID' });
  });
  test('truncated by one, trailing byte', async () => {
    for (const length of [good.length - 1, good.length + 1]) {
      const bytes = new Uint8Array(length);
      bytes.set(good.subarray(0, length));
      await expect(open(bytes)).rejects.toThrow(/bytes, expected exactly/);
    }
  });
  test('a flipped bit anywhere', async () => {
    for (let offset = 0; offset < good.length; offset += 997) {
      const copy = good.slice();
      copy[offset]! ^= 8;
      await expect(open(copy), `byte ${offset}`).rejects.toMatchObject({
        exit: 3,
        details: expect.objectContaining({ offset: expect.any(Number) as number }) as object,
      });
    }
  });
  test('a coefficient at its prime, checksum made anew', async () => {
    const copy = good.slice();
    // The last key has one digit: a seed, 40-bit residues, then 50-bit residues of the special
    // prime, whose low halves come first. All ones is above every prime of 50 bits.
    const end = copy.length - 64;
    const start = end - switchingKeyBytes(parameters, 1);
    const special = start + 64 + 128 * 40;
    copy.fill(0xff, special, special + 4);
    copy.fill(0xff, special + 4096, special + 4096 + 3);
    const digest = await crypto.subtle.digest('SHA-256', copy.subarray(start, end));
    copy.set(new Uint8Array(digest), end);
    await expect(open(copy)).rejects.toMatchObject({
      code: 'KEYS_INVALID',
      details: { offset: start, digit: 0, limit: String(parameters.specialPrimes[0]) },
    });
  });

  const forgeries: [string, (view: DataView) => void, RegExp][] = [
    [
      'version 2',
      (view) => {
        view.setUint32(8, 2, true);
      },
      /format version is 2/,
    ],
    [
      'a million keys',
      (view) => {
        view.setUint32(96, 1_000_000, true);
      },
      /1000000 keys/,
    ],
    [
      'one key more',
      (view) => {
        view.setUint32(96, 4, true);
      },
      /checksum|head states/,
    ],
    [
      'head of 2^31 bytes',
      (view) => {
        view.setUint32(12, 2 ** 31, true);
      },
      /head states/,
    ],
    [
      '2^31 primes',
      (view) => {
        view.setUint32(104 + 8, 2 ** 31, true);
      },
      /2147483648 primes/,
    ],
    [
      'no primes',
      (view) => {
        view.setUint32(104 + 8, 0, true);
      },
      /0 primes/,
    ],
    [
      'fewer primes',
      (view) => {
        view.setUint32(104 + 8, 1, true);
      },
      /another offset or length/,
    ],
    [
      'offset 2^40',
      (view) => {
        view.setBigUint64(104 + 16, 2n ** 40n, true);
      },
      /another offset/,
    ],
    [
      'length 2^60',
      (view) => {
        view.setBigUint64(104 + 24, 2n ** 60n, true);
      },
      /another offset/,
    ],
    [
      'file of 2^60 bytes',
      (view) => {
        view.setBigUint64(88, 2n ** 60n, true);
      },
      /expected exactly/,
    ],
    [
      'an unknown kind',
      (view) => {
        view.setUint32(104, 9, true);
      },
      /kind of key 9/,
    ],
    [
      'step 512',
      (view) => {
        view.setInt32(104 + 36, 512, true);
      },
      /step 512/,
    ],
    [
      'step 0',
      (view) => {
        view.setInt32(104 + 36, 0, true);
      },
      /step 0/,
    ],
    [
      'a key twice',
      (view) => {
        view.setUint32(104, 1, true);
        view.setInt32(108, 1, true);
      },
      /twice/,
    ],
  ];
  test.each(forgeries)('%s', async (_name, change, message) => {
    const refused = open(await forged(change));
    await expect(refused).rejects.toMatchObject({ code: 'KEYS_INVALID' });
    await expect(refused).rejects.toThrow(message);
  });

  test('nothing is read beyond the head before lengths are known to be right', async () => {
    let most = 0;
    const bytes = await forged((view) => {
      view.setUint32(104 + 8, 1, true);
    });
    const source: ByteSource = {
      byteLength: 2 ** 45,
      read: (offset, length) => {
        most = Math.max(most, length);
        return Promise.resolve(bytes.subarray(offset, offset + length));
      },
    };
    await expect(EvaluationKeys.open(source, binding)).rejects.toMatchObject({
      code: 'KEYS_INVALID',
    });
    expect(most).toBeLessThan(1024);
  });
});

test('nothing that is sent contains the secret', async () => {
  const keys = await open(good);
  const secret = new BigUint64Array(secretFile.slice(80, -32).buffer);
  const residues = new Set(secret);
  for (const request of requests) {
    const { digits } = await keys.read(request);
    // Some 14,000 residues of 40 bits meet one of 3072 by chance once in 25,000 runs.
    const met = digits.flatMap(({ words }) => [...words]).filter((word) => residues.has(word));
    expect(met.length).toBeLessThan(3);
  }
});

test('K5: a secret key is named as one and not stored', async () => {
  await expect(open(secretFile)).rejects.toThrow(/this is a secret key; it was not stored/);
});

describe('from a file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cipherloom-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('keys are read one at a time; a file that shrinks is noticed', async () => {
    const path = join(folder, 'evaluation.keys');
    await writeFile(path, good);
    await using source = await openFileSource(path);
    const keys = await EvaluationKeys.open(source, binding);
    await keys.verify();
    await truncate(path, good.length - 100);
    await expect(keys.read(requests[2]!)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(openFileSource(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(openFileSource(join(folder, 'none'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});
