/** P9: what a file states is compared with its length before memory is taken for it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { readPlan } from '../../src/backend/plan/read-plan.ts';
import { compile } from '../../src/index.ts';
import {
  ciphertextFileForm,
  readCiphertextFile,
  writeCiphertextFile,
} from '../../src/seal/index.ts';
import type { CiphertextFileForm } from '../../src/seal/index.ts';
import { mnistModel } from '../support/example-networks.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Beyond twice the file, as much as the collector of garbage may need. */
const allowance = 64 * 2 ** 20;
const headBytes = 512;
const lies = [2 ** 31 - 1, 2 ** 32 - 1, 2 ** 28];

let plan: Bytes;
let request: Bytes;
let form: CiphertextFileForm;

beforeAll(async () => {
  const model = await compile(mnistModel('lola'));
  ({ plan } = model);
  const { client } = model;
  form = ciphertextFileForm('inputs', { ...client, ...client.parameters }, client.inputs);
  request = await writeCiphertextFile(form, 1, [
    form.tensors.map(({ ciphertexts, blobBytes }) =>
      Array.from({ length: ciphertexts }, () => new Uint8Array(blobBytes)),
    ),
  ]);
});

describe('P9: lengths that lie cost no memory', () => {
  test.each<[string, () => Bytes, (bytes: Bytes) => unknown]>([
    ['ciphertexts', () => request, (bytes) => readCiphertextFile(bytes, form)],
    ['plans', () => plan, (bytes) => readPlan(bytes)],
  ])('of %s', async (_name, make, read) => {
    // One file, lied to and mended again: a copy for every lie would be measured as the reader's.
    const bytes = make().slice();
    const words = new DataView(bytes.buffer);
    await read(bytes);
    const before = process.memoryUsage().rss;
    let refused = 0;
    for (const lie of lies) {
      for (let offset = 0; offset < headBytes; offset += 4) {
        const truth = words.getUint32(offset, true);
        words.setUint32(offset, lie, true);
        await Promise.resolve()
          .then(() => read(bytes))
          .catch((error: unknown) => {
            expect(error).toMatchObject({ name: 'CipherloomError' });
            refused++;
          });
        words.setUint32(offset, truth, true);
      }
    }
    await read(bytes);
    expect(refused).toBe((lies.length * headBytes) / 4);
    const grown = process.memoryUsage().rss - before;
    expect(grown).toBeLessThan(2 * bytes.length + allowance);
  });
});
