/** P3: no command prints the secret key, and no file but its own holds it. */
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { compileLola, example, temporaryFolder } from '../cli/commands/example-plans.ts';
import { cipherloom } from '../cli/spawn-program.ts';

/** Bytes of the head of a secret key file, before the residues of the key. */
const headBytes = 80;
/** 32 coefficients of −1, 0 or 1: they meet by chance once in 3^32. */
const windowBytes = 256;

const folder = temporaryFolder();
const at = (...parts: string[]): string => join(folder(), ...parts);
const printed: Buffer[] = [];

async function run(status: number, ...words: readonly string[]): Promise<void> {
  const ended = await cipherloom(...words);
  expect(ended.status, `${words.join(' ')}\n${ended.stderr}`).toBe(status);
  printed.push(Buffer.from(ended.stdout), Buffer.from(ended.stderr));
}

/** Pieces of the key as bytes, in hex and in base64, wherever a base64 text begins. */
function traces(secret: Buffer): Buffer[] {
  const body = secret.length - headBytes;
  return Array.from({ length: 16 }, (_, n) => {
    const from = headBytes + 8 * Math.floor((n * (body - windowBytes)) / 16 / 8);
    const piece = secret.subarray(from, from + windowBytes);
    const base64 = [0, 1, 2].map((skip) => piece.toString('base64', skip, 252 + skip));
    return [piece, ...[piece.toString('hex'), ...base64].map((text) => Buffer.from(text))];
  }).flat();
}

beforeAll(async () => {
  await compileLola(at('plan'));
  const keys = ['--keys', at('keys')];
  await run(0, 'keygen', at('plan'), '--out', at('keys'));
  await run(
    0,
    'encrypt',
    at('plan'),
    ...keys,
    '--input',
    example('images.npy'),
    '--out',
    at('x.ct'),
    '--json',
  );
  const evaluate = ['evaluate', at('plan'), '--input', at('x.ct'), '--out', at('y.ct')];
  await run(0, ...evaluate, '--evaluation-keys', at('keys', 'evaluation.keys'), '--json');
  await run(
    0,
    'decrypt',
    at('plan'),
    ...keys,
    '--input',
    at('y.ct'),
    '--output',
    at('y.npy'),
    '--json',
  );
  // Mistakes: the secret key where other files belong, and a key that is damaged.
  const secret = at('keys', 'secret.key');
  await run(3, ...evaluate, '--evaluation-keys', secret);
  await run(3, ...evaluate, '--evaluation-keys', secret, '--json');
  await run(
    3,
    'evaluate',
    at('plan'),
    '--evaluation-keys',
    at('keys', 'evaluation.keys'),
    '--input',
    secret,
    '--out',
    at('z.ct'),
  );
  await run(3, 'inspect', secret);
  await run(
    3,
    'decrypt',
    at('plan'),
    ...keys,
    '--input',
    secret,
    '--output',
    at('z.npy'),
    '--json',
  );
}, 300_000);

test('P3: the secret key is in its own file alone, for its owner alone', () => {
  const secret = readFileSync(at('keys', 'secret.key'));
  expect(statSync(at('keys', 'secret.key')).mode & 0o777).toBe(0o600);
  const pieces = traces(secret);
  // The search finds what is there.
  cpSync(at('keys', 'secret.key'), at('copy'));
  expect(pieces.filter((piece) => readFileSync(at('copy')).includes(piece))).toHaveLength(16);

  const files = readdirSync(folder(), { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(at(file)).isFile() && !['keys/secret.key', 'copy'].includes(file))
    .sort();
  expect(files).toEqual(expect.arrayContaining(['keys/evaluation.keys', 'x.ct', 'y.ct', 'y.npy']));
  for (const file of files) {
    const bytes = readFileSync(at(file));
    expect(
      pieces.some((piece) => bytes.includes(piece)),
      file,
    ).toBe(false);
  }
});

test('P3: nothing printed holds it, in bytes, hex or base64, with mistakes or without', () => {
  const pieces = traces(readFileSync(at('keys', 'secret.key')));
  expect(printed.length).toBe(18);
  expect(printed.filter((text) => pieces.some((piece) => text.includes(piece)))).toEqual([]);
});
