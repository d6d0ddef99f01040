/**
 * A client that we did not write talks to the server: NVIDIA's tritonclient, in Python.
 *
 * It fails where it is not installed: python3 -m venv V && V/bin/pip install 'tritonclient[http]', then
 * CIPHERLOOM_PYTHON=V/bin/python.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  compileDense,
  Party,
  putKeys,
  runService,
  writePlanFolder,
} from '../server/http/running-service.ts';
import type { Running } from '../server/http/running-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'cipherloom triton '));
const python = process.env['CIPHERLOOM_PYTHON'] ?? 'python3';
const script = fileURLToPath(new URL('./tritonclient.py', import.meta.url));
let running: Running;

beforeAll(async () => {
  writePlanFolder(join(folder, 'dense'), await compileDense());
  running = await runService({ dense: join(folder, 'dense') });
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('tritonclient reads health and metadata, and infers with a binary tensor', async () => {
  const x = Float64Array.from([0.1, 0.9, 0.3, 0.5, 0.2, 0.8, 0.7, 0.4]);
  const model = running.models.get('dense')!;
  using party = await Party.of(model);
  await putKeys(running.url, party.keyId, party.keys);
  const request = join(folder, 'x.ct');
  const answer = join(folder, 'y.ct');
  writeFileSync(request, await party.client.encrypt({ x }));
  const address = running.url.replace('http://', '');
  const { stdout } = await promisify(execFile)(python, [
    script,
    address,
    'dense',
    party.keyId,
    request,
    answer,
  ]);
  expect(JSON.parse(stdout)).toMatchObject({
    server: { name: 'cipherloom', extensions: ['binary_tensor_data', 'model_repository'] },
    model: { name: 'dense', platform: 'cipherloom_ckks', versions: [model.version] },
    refusal: { status: '404', message: 'no such keys' },
  });
  const { y } = await party.client.decrypt(new Uint8Array(readFileSync(answer)));
  expect(y?.data).toHaveLength(2);
});
