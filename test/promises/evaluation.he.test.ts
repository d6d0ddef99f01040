/** P6 and P7: what a server answers, on every evaluator that is here. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile, readNpy } from '../../src/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { usedSlots } from '../../src/layout/layout.ts';
import { ciphertextFileForm, readCiphertextFile } from '../../src/seal/ciphertext-file.ts';
import { SealContexts, loadSeal, readSealParameters } from '../../src/seal/index.ts';
import { readSecretKey, SecretKeyUser } from '../../src/seal/secret-key.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';
import { mnistCalibration, mnistModel } from '../support/example-networks.ts';

type Bytes = Uint8Array<ArrayBuffer>;

let model: CompiledModel;
let secretKey: Bytes;
let evaluationKeys: Bytes;
let request: Bytes;

beforeAll(async () => {
  model = await compile(mnistModel('lola'), { calibration: mnistCalibration() });
  using client = Client.load(model.client);
  const keys = await client.generateKeys();
  ({ secretKey } = keys);
  evaluationKeys = await keys.evaluationKeys.bytes();
  const file = path.join(import.meta.dirname, '../../examples/mnist/images.npy');
  request = await client.encrypt({ image: readNpy(readFileSync(file)).data.subarray(0, 784) });
});

async function answer(backend: 'seal' | 'native'): Promise<Bytes> {
  await using session = await InferenceSession.create(model.plan, { evaluationKeys, backend });
  const first = await session.run(request);
  expect(Buffer.compare(await session.run(request), first)).toBe(0);
  return first;
}

/** Every slot of the answer, decrypted. */
async function slotsOf(bytes: Bytes): Promise<Float64Array[]> {
  const { client: plan } = model;
  const parameters = readSealParameters(plan.parameters);
  const [output] = plan.outputs;
  if (output === undefined) throw new Error('the plan has no output');
  const binding = { planHash: plan.planHash, parameters };
  using contexts = new SealContexts(await loadSeal(), parameters);
  using key = await readSecretKey(secretKey, binding);
  using user = new SecretKeyUser(contexts, key);
  const { executions } = await readCiphertextFile(
    bytes,
    ciphertextFileForm('outputs', { ...plan, ringDegree: parameters.ringDegree }, plan.outputs),
  );
  return (executions[0]?.[0] ?? []).map((blob, index) =>
    Float64Array.from(
      user.decrypt(
        blob,
        { name: output.name, index, scale: output.scale, form: 'expanded' },
        output.level + 1,
      ),
    ),
  );
}

describe.each(encryptedBackends)('%s', (backend) => {
  test('P6: the same request has the same answer, byte for byte, in every session', async () => {
    expect(Buffer.compare(await answer(backend), await answer(backend))).toBe(0);
  });

  test('P7: unused slots of an answer hold noise alone', async () => {
    const [output] = model.client.outputs;
    const vectors = await slotsOf(await answer(backend));
    const used = usedSlots(output!.layout);
    // What the plan promises of the slots that are used bounds what the others may hold.
    const noise = output!.bound * 2 ** -model.client.precisionBits;
    const of = (wanted: number): number[] =>
      vectors.flatMap((vector, k) =>
        [...vector].filter((_, slot) => used[k]?.[slot] === wanted).map(Math.abs),
      );
    expect(of(0).length).toBeGreaterThan(1000);
    expect(Math.max(...of(0))).toBeLessThan(noise);
    expect(Math.max(...of(1))).toBeGreaterThan(100 * noise);
  });
});
