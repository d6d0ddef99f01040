// Generated code as its users have it: in a folder of their own, with cipherloom installed, the
// client and the server as programs that share nothing but files.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNpy } from '../../src/frontend/npy/read-npy.ts';
import { compile, type CompiledModel } from '../../src/index.ts';
import { decryptProgram, encryptProgram, evaluateProgram } from './generated-programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const examples = join(root, 'examples/mnist');
const images = 2;

let home: string;
let compiled: CompiledModel;

beforeAll(async () => {
  if (!existsSync(join(root, 'dist/server/index.js'))) {
    throw new Error('dist/ is not built: npm run build');
  }
  home = mkdtempSync(join(tmpdir(), 'cipherloom-generated-'));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(root, join(home, 'node_modules/cipherloom'), 'dir');
  compiled = await compile({ bytes: readFileSync(join(examples, 'lola.onnx')), name: 'lola' });
});

afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** A folder with those of the plan's files that its side gets, and a program. */
function makeSide(name: string, files: readonly string[]): string {
  const folder = join(home, name);
  mkdirSync(folder);
  const all = compiled.files();
  for (const file of files) writeFileSync(join(folder, file), all.get(file)!);
  return folder;
}

function runProgram(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  const ended = spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' });
  expect(ended.stderr).toBe('');
  expect(ended.status).toBe(0);
  return ended.stdout;
}

function send(file: string, from: string, to: string): void {
  cpSync(join(from, file), join(to, file));
}

test('client and server recognise digits as two programs that share only files', () => {
  const read = (name: string) => parseNpy(readFileSync(join(examples, name)), name);
  const { data } = read('images.npy');
  const pixels = Float32Array.from(data as Float32Array).subarray(0, images * 784);
  const expected = Array.from(read('labels.npy').data as ArrayLike<number | bigint>, String);

  const client = makeSide('client', ['client.ts', 'client.json']);
  const server = makeSide('server', ['server.ts', 'model.loom']);
  writeFileSync(join(client, 'image.f32'), pixels);

  runProgram(client, 'encrypt.ts', encryptProgram);
  send('evaluation.keys', client, server);
  send('request.ct', client, server);
  runProgram(server, 'evaluate.ts', evaluateProgram);
  send('response.ct', server, client);
  const result = runProgram(client, 'decrypt.ts', decryptProgram);

  expect(JSON.parse(result)).toEqual({ shape: [images, 10], labels: expected.slice(0, images) });
  // What the server held at the end: neither the input nor a key that opens it.
  expect(readdirSync(server).sort()).toEqual([
    'evaluate.ts',
    'evaluation.keys',
    'model.loom',
    'request.ct',
    'response.ct',
    'server.ts',
  ]);
});

test('generated code refuses the plan of another compilation, by name', async () => {
  const other = await compile(
    { bytes: readFileSync(join(examples, 'lola.onnx')), name: 'lola' },
    { inputRanges: { image: [-1, 1] } },
  );
  expect(other.planHash).not.toBe(compiled.planHash);
  const mixed = makeSide('mixed', ['client.ts', 'server.ts']);
  for (const file of ['client.json', 'model.loom']) {
    writeFileSync(join(mixed, file), other.files().get(file)!);
  }
  const program = `
import { readFileSync } from 'node:fs';
import { LolaClient } from './client.ts';
import { LolaSession } from './server.ts';

const codes = [];
const attempts = [
  async () => LolaClient.load(readFileSync('client.json', 'utf8')),
  () => LolaSession.create('model.loom', { backend: 'clear' }),
];
for (const attempt of attempts) {
  const error = await attempt().then(() => null, (thrown) => thrown);
  codes.push([error?.code, error?.details]);
}
console.log(JSON.stringify(codes));
`;
  const details = { expected: compiled.planHash, got: other.planHash };
  expect(JSON.parse(runProgram(mixed, 'attempts.ts', program))).toEqual([
    ['PLAN_MISMATCH', details],
    ['PLAN_MISMATCH', details],
  ]);
});
