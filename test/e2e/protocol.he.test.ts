import { cpSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { npyNumbers, readNpyFile } from '../../src/frontend/npy/read-npy.ts';
import { cipherloom } from '../cli/spawn-program.ts';
import { encryptedBackends } from '../support/backends.ts';
import {
  compileLola,
  errorOf,
  example,
  jsonOf,
  temporaryFolder,
} from '../cli/commands/example-plans.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder(), name);
const images = example('images.npy');
const one = ['--input', images, '--limit', '1'];

interface Run {
  readonly agreement: number;
  readonly agreementReference: string;
  readonly agreementProgram: number;
  readonly accuracy: number;
  readonly outputs: { readonly logits: readonly (readonly number[])[] };
  readonly precisionBits: { readonly worst: number; readonly mean: number };
  readonly timingsMs: {
    readonly keygen: number;
    readonly encrypt: readonly number[];
    readonly evaluate: readonly number[];
    readonly decrypt: readonly number[];
  };
  readonly keyBytes: number;
  readonly inputCiphertextBytes: number;
  readonly outputCiphertextBytes: number;
  readonly parameters: { readonly securityBits: number };
  readonly planHash: string;
}

let run: Run;
beforeAll(async () => {
  await compileLola(at('plan'));
  // A client holds client.json, a server model.loom: each works with its own file alone.
  for (const [side, file] of [
    ['client', 'client.json'],
    ['server', 'model.loom'],
  ] as const) {
    cpSync(join(at('plan'), file), join(at(side), file), { recursive: true });
  }
  run = jsonOf(
    await cipherloom(
      'run',
      at('plan'),
      ...one,
      '--labels',
      example('labels.npy'),
      '--model',
      example('lola.onnx'),
      '--json',
    ),
  ) as unknown as Run;
  jsonOf(await cipherloom('keygen', at('client'), '--out', at('keys'), '--json'));
  jsonOf(
    await cipherloom(
      'encrypt',
      at('client'),
      '--keys',
      at('keys'),
      ...one,
      '--out',
      at('x.ct'),
      '--json',
    ),
  );
});

describe('run on ciphertexts', () => {
  test('gives the answer of the model, at 128 bits of security and 10 of precision', () => {
    expect(run).toMatchObject({
      // Native where its addon is built.
      backend: encryptedBackends.at(-1),
      images: 1,
      accuracy: 1,
      agreement: 1,
      agreementProgram: 1,
    });
    expect(run.agreementReference).toMatch(/^onnxruntime-web/);
    expect(run.precisionBits.worst).toBeGreaterThanOrEqual(10);
    expect(run.parameters.securityBits).toBeGreaterThanOrEqual(128);
    expect(run.timingsMs.keygen).toBeGreaterThan(0);
    for (const part of ['encrypt', 'evaluate', 'decrypt'] as const) {
      expect(run.timingsMs[part], part).toHaveLength(1);
      expect(run.timingsMs[part][0], part).toBeGreaterThan(0);
    }
  });
});

describe('keygen, encrypt, evaluate and decrypt apart', () => {
  const evaluate = (input: string, output: string) => [
    'evaluate',
    at('server'),
    '--evaluation-keys',
    join(at('keys'), 'evaluation.keys'),
    '--input',
    input,
    '--out',
    output,
  ];
  const decrypt = (input: string) => [
    'decrypt',
    at('client'),
    '--keys',
    at('keys'),
    '--input',
    input,
  ];

  test.each(encryptedBackends)(
    'give the same answer, and files of the predicted sizes (%s)',
    async (backend) => {
      const evaluated = jsonOf(
        await cipherloom(...evaluate(at('x.ct'), at('y.ct')), '--backend', backend, '--json'),
      );
      expect(evaluated).toMatchObject({
        backend,
        backendReason: 'asked for',
        executions: 1,
        planHash: run.planHash,
      });
      const decrypted = jsonOf(
        await cipherloom(...decrypt(at('y.ct')), '--output', at('y.npy'), '--json'),
      );
      const logits = (decrypted.outputs as Run['outputs']).logits[0]!;
      const expected = run.outputs.logits[0]!;
      const largest = Math.max(...expected.map(Math.abs));
      const difference = Math.max(...logits.map((value, k) => Math.abs(value - expected[k]!)));
      // Two encryptions: the errors of both, each of at least 10 bits.
      expect(difference / largest).toBeLessThan(2 ** -9);
      expect(logits.indexOf(Math.max(...logits))).toBe(7);
      expect([...npyNumbers(readNpyFile(at('y.npy')), 'y')]).toEqual(logits);

      expect(statSync(join(at('keys'), 'evaluation.keys')).size).toBe(run.keyBytes);
      expect(statSync(at('x.ct')).size).toBe(run.inputCiphertextBytes);
      expect(statSync(at('y.ct')).size).toBe(run.outputCiphertextBytes);
    },
  );

  test('keep the secret key to its owner, and never replace it unasked', async () => {
    const secret = join(at('keys'), 'secret.key');
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    expect(statSync(at('keys')).mode & 0o777).toBe(0o700);
    const before = readFileSync(secret);
    expect(await errorOf('keygen', at('client'), '--out', at('keys'))).toMatchObject({
      status: 2,
      code: 'FILE_EXISTS',
    });
    expect(readFileSync(secret)).toEqual(before);
  });

  test('refuse files that are cut, of the wrong kind or of another plan, and lose nothing', async () => {
    writeFileSync(at('z.ct'), 'earlier result');
    const cut = at('cut.ct');
    cpSync(at('x.ct'), cut);
    truncateSync(cut, statSync(cut).size - 1);
    expect(await errorOf(...evaluate(cut, at('z.ct')))).toMatchObject({
      status: 3,
      code: 'CIPHERTEXT_TRUNCATED',
    });
    expect(await errorOf(...decrypt(at('x.ct')))).toMatchObject({ status: 3 });
    // The secret key in the place of the evaluation keys.
    const secret = evaluate(at('x.ct'), at('z.ct')).map((word) =>
      word.endsWith('evaluation.keys') ? join(at('keys'), 'secret.key') : word,
    );
    expect(await errorOf(...secret)).toMatchObject({ status: 3, code: 'KEYS_INVALID' });
    expect(await errorOf(...evaluate(at('x.ct'), at('x.ct')))).toMatchObject({
      status: 2,
      code: 'USAGE',
    });
    expect(readFileSync(at('z.ct'), 'utf8')).toBe('earlier result');

    await compileLola(at('other'), '--precision-bits', '18');
    expect(
      await errorOf('encrypt', at('other'), '--keys', at('keys'), ...one, '-o', at('z.ct')),
    ).toMatchObject({ status: 3, code: 'SECRET_KEY_INVALID' });
    const foreign = evaluate(at('x.ct'), at('z.ct')).map((word) =>
      word === at('server') ? at('other') : word,
    );
    expect(await errorOf(...foreign)).toMatchObject({ status: 3, code: 'KEYS_MISMATCH' });
    expect(readFileSync(at('z.ct'), 'utf8')).toBe('earlier result');
  });

  test('bench measures what it says', async () => {
    const json = jsonOf(
      await cipherloom('bench', at('plan'), '--runs', '2', '--backend', 'seal', '--json'),
    );
    expect(json).toMatchObject({ backend: 'seal', executions: 2, images: 2, batch: 1 });
    const { evaluate: times } = json.timingsMs as { evaluate: Record<string, number> };
    expect(times.min).toBeLessThanOrEqual(times.median!);
    expect(times.median).toBeLessThanOrEqual(times.max!);
    const profile = json.profile as { node: string | null; ms: number }[];
    expect(profile.map(({ node }) => node)).toContain('/dense1/Gemm');
    const total = profile.reduce((sum, { ms }) => sum + ms, 0);
    expect(total).toBeLessThanOrEqual(2 * times.mean! * 1.01);
    expect(json.measuredOverModelled).toBeGreaterThan(0);
  });
});
