/**
 * From an ONNX file to decrypted digits: compile a network, encrypt images, let a server that holds
 * no secret evaluate them, decrypt the answers.
 *
 * `npm run demo` shows three images; `npm run demo -- 10` shows ten of the twenty that lie here.
 */
import { readFile } from 'node:fs/promises';
import { compile } from 'cipherloom';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import * as ort from 'onnxruntime-web';
import { countArgument } from '../count-argument.ts';

const pixels = 28;
const imageSize = pixels * pixels;
const startedAt = performance.now();

const count = countArgument(process.argv[2], { otherwise: 3, most: 20 });
const model = { bytes: await readExample('lola.onnx'), name: 'lola', file: 'lola.onnx' };
const images = npyImages(await readExample('images.npy')).slice(0, count);
const calibration = npyImages(await readExample('calibration.npy'));

// The compiler sees the model and calibration images. It needs no key.
const [compiled, compileMs] = await timed(() =>
  compile(model, {
    calibration: new Map([['image', calibration.map((image) => Float64Array.from(image))]]),
  }),
);
const { report } = compiled;
const { ringDegree, logQP, securityBits, levels } = report.parameters;
say(`lola.onnx, compiled in ${seconds(compileMs)}
  parameters   N = ${ringDegree}, log2 QP = ${logQP.toFixed(0)}, ${levels} levels: ${securityBits} bits of security
  plan         ${kib(compiled.plan.length)}, ${report.rotationKeys} rotation keys
  precision    ${report.precisionBits.toFixed(1)} bits predicted
`);

// The client has client.json alone: parameters and layouts, no weights.
using client = Client.load(JSON.stringify(compiled.client));
const [{ evaluationKeys, secretKey }, keygenMs] = await timed(async () => {
  const keys = await client.generateKeys();
  return { secretKey: keys.secretKey, evaluationKeys: await keys.evaluationKeys.bytes() };
});
say(`keys, made in ${seconds(keygenMs)}
  secret       ${kib(secretKey.length)}, stays with the client
  evaluation   ${kib(evaluationKeys.length)}, sent to the server
`);

// The server has the plan and the evaluation keys. Neither opens a ciphertext.
await using session = await InferenceSession.create(compiled.plan, { evaluationKeys });
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';
const original = await ort.InferenceSession.create(model.bytes, { logSeverityLevel: 4 });

const evaluateMs: number[] = [];
let agreeing = 0;
let worstBits = Infinity;
for (const image of images) {
  const [request, encryptMs] = await timed(() => client.encrypt({ image }));
  const [response, ms] = await timed(() => session.run(request));
  const [{ logits }, decryptMs] = await timed(() => client.decrypt(response));
  evaluateMs.push(ms);

  const scores = logits?.data ?? new Float64Array();
  const clear = await session.runClear(new Map([['image', [image]]]));
  const plain = await original.run({
    image: new ort.Tensor('float32', image, [1, 1, pixels, pixels]),
  });
  const expected = (plain.logits?.data ?? new Float32Array()) as Float32Array;
  const digit = largest(scores);
  if (digit === largest(expected)) agreeing += 1;
  worstBits = Math.min(worstBits, precisionBits(scores, clear.get('logits')?.[0] ?? scores));

  const facts = [
    `encrypted    ${kib(request.length)} in ${seconds(encryptMs)}`,
    'server saw   ' + hex(request, request.length >> 1, 12),
    '             ' + hex(request, (request.length >> 1) + 12, 12),
    `evaluated    in ${seconds(ms)}`,
    `decrypted    ${kib(response.length)} in ${seconds(decryptMs)}`,
    '',
    `answer       ${digit}`,
    `in the clear ${largest(expected)}, by ONNX Runtime`,
    `scores       ${ranked(scores)}`,
  ];
  say(beside(picture(image), facts));
}
await original.release();

const average = evaluateMs.reduce((sum, ms) => sum + ms, 0) / evaluateMs.length;
say(`${agreeing} of ${images.length} answers are those of the model in the clear.
  precision    ${worstBits.toFixed(1)} bits on the worst image
  evaluation   ${seconds(average)} an image, one core; the first also unpacks the keys
  everything   ${seconds(performance.now() - startedAt)}`);
if (agreeing < images.length) process.exitCode = 1;

async function readExample(name: string): Promise<Uint8Array> {
  // A copy with memory of its own: a Buffer shares its memory with others.
  return new Uint8Array(await readFile(new URL(name, import.meta.url)));
}

/** Images of a float32 `.npy` file, version 1: ten bytes, then a header of the length at byte 8. */
function npyImages(file: Uint8Array): Float32Array<ArrayBuffer>[] {
  const start = 10 + new DataView(file.buffer, file.byteOffset).getUint16(8, true);
  const values = new Float32Array(file.slice(start).buffer);
  return Array.from({ length: values.length / imageSize }, (_, n) =>
    values.slice(n * imageSize, (n + 1) * imageSize),
  );
}

async function timed<T>(task: () => Promise<T>): Promise<readonly [T, number]> {
  const from = performance.now();
  return [await task(), performance.now() - from];
}

/** Two rows of pixels a line; MNIST leaves four rows blank at the top and at the bottom. */
function picture(image: Float32Array): string[] {
  const dark = (row: number, column: number) => (image[row * pixels + column] ?? 0) > 0.4;
  return Array.from({ length: pixels / 2 - 4 }, (_, line) =>
    Array.from({ length: pixels }, (__, column) => {
      const upper = dark(2 * line + 4, column);
      const lower = dark(2 * line + 5, column);
      return upper ? (lower ? '█' : '▀') : lower ? '▄' : ' ';
    }).join(''),
  );
}

function beside(left: readonly string[], right: readonly string[]): string {
  const top = Math.max(0, Math.floor((left.length - right.length) / 2));
  return left.map((line, n) => `  ${line}  ${right[n - top] ?? ''}`.trimEnd()).join('\n') + '\n';
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((best, value, k) => (value > (values[best] ?? 0) ? k : best), 0);
}

function ranked(values: ArrayLike<number>): string {
  const order = Array.from(values, (value, digit) => ({ value, digit }));
  order.sort((a, b) => b.value - a.value);
  const shown = order.slice(0, 3).map(({ value, digit }) => `${digit}: ${value.toFixed(2)}`);
  return shown.join('   ');
}

/** −log2 of the largest error over the largest value. */
function precisionBits(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  const errors = Array.from(expected, (value, k) => Math.abs(value - (got[k] ?? 0)));
  const magnitude = Math.max(...Array.from(expected, Math.abs));
  return -Math.log2(Math.max(...errors) / magnitude);
}

function hex(bytes: Uint8Array, start: number, length: number): string {
  return Array.from(bytes.subarray(start, start + length), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join(' ');
}

function kib(bytes: number): string {
  return bytes < 2 ** 20
    ? `${(bytes / 2 ** 10).toFixed(0)} KiB`
    : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
