/**
 * `npm run relu-networks`: compile the ReLU networks of docs/relu-networks.md with a budget, simulate
 * them with noise, run them encrypted, and write the page's table.
 *
 *   npm run relu-networks                  all five; takes an hour on one core
 *   npm run relu-networks -- lenet5        networks by name; the other rows stay
 *   npm run relu-networks -- --fresh       from the beginning
 *   npm run relu-networks -- --latency     of measured plans the latency alone, again: on a quiet machine
 *
 * Each step leaves its result in test-results/relu-networks, and is not done again by the same
 * compiler: a run that was ended goes on where it was. Needs the data folder and the native evaluator.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import type { Report } from '../src/index.ts';
import { readNpy } from '../src/index.ts';
import { cipherloom } from '../test/cli/spawn-program.ts';
import { cheapestDegree } from '../test/models/one-degree.ts';
import {
  calibrationImages,
  encryptedImages,
  reluNetworks,
  simulatedImages,
} from '../test/models/relu-networks.ts';
import type { ReluNetwork } from '../test/models/relu-networks.ts';
import { missing, reluRowsSchema, withReluTable } from '../test/models/relu-networks-table.ts';
import type { ReluRow } from '../test/models/relu-networks-table.ts';
import { mnistFiles } from '../test/support/mnist.ts';
import { runOnnx } from '../test/support/onnxruntime.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    fresh: { type: 'boolean', default: false },
    latency: { type: 'boolean', default: false },
  },
});
const root = path.join(import.meta.dirname, '..');
const results = path.join(root, 'test-results', 'relu-networks');
const dataFile = path.join(root, 'test', 'models', 'relu-networks.json');
const pageFile = path.join(root, 'docs', 'relu-networks.md');
/** Images of one step: what is lost at most when a run is ended. */
const simulatedAtOnce = 100;
const encryptedAtOnce = 25;
/** Images of a latency, the first of which encodes the constants. */
const timedImages = 11;
/** Load average from which a latency is that of a busy machine: the evaluation itself is 1. */
const busyLoad = 1.5;

const unknown = positionals.filter((word) => reluNetworks.every(({ name }) => name !== word));
if (unknown.length > 0) {
  const names = reluNetworks.map(({ name }) => name).join(', ');
  console.error(`there is no network ${unknown.join(', ')}; there are ${names}`);
  process.exit(2);
}
if (values.fresh) rmSync(results, { recursive: true, force: true });
for (const network of reluNetworks) {
  if (positionals.length > 0 && !positionals.includes(network.name)) continue;
  const row = await measure(network);
  const gaps = missing(row);
  say(network, gaps.length === 0 ? 'holds all' : `MISSES ${gaps.join(', ')}`);
  await write(row);
}

async function measure(network: ReluNetwork): Promise<ReluRow> {
  const { name, file, form, budget, precisionBits } = network;
  if (file === null) throw new Error(`${name} needs the data folder: CIPHERLOOM_DATA names it`);
  const folder = path.join(results, name);
  mkdirSync(folder, { recursive: true });
  const plan = path.join(folder, 'plan');
  const calibration = path.join(folder, 'calibration.npy');
  const options = [
    ...['--target', 'native', '--precision-bits', String(precisionBits)],
    ...['--accuracy-budget', String(budget), '--input-range', `0,${form.white}`],
  ];
  const compiled = await step(network, 'compile', [file, ...options].join(' '), async () => {
    writeFileSync(calibration, digits('train', 0, calibrationImages).images);
    const { planHash } = await run(
      'compile',
      file,
      '-o',
      plan,
      '--calibration',
      calibration,
      ...options,
    );
    return { planHash: String(planHash) };
  });
  const { planHash } = compiled;
  const report = JSON.parse(readFileSync(path.join(plan, 'report.json'), 'utf8')) as Report;
  const { jointChoice } = report;
  if (jointChoice === null) throw new Error(`${name} has no activation to choose degrees for`);

  const oneDegree = await step(network, 'one-degree', [file, ...options].join(' '), async () => {
    const { data, shape } = readNpy(digits('train', 0, calibrationImages).images);
    const elements = data.length / (shape[0] ?? 1);
    const images = Array.from({ length: calibrationImages }, (_, k) =>
      Float64Array.from(data.slice(k * elements, (k + 1) * elements)),
    );
    const bytes = new Uint8Array(readFileSync(file));
    const input = await inputNameOf(bytes);
    return cheapestDegree(
      { bytes, name },
      {
        options: { target: 'native', precisionBits },
        calibration: new Map([[input, images]]),
        inputRanges: { [input]: [0, form.white] },
      },
      { kind: 'points', value: budget },
      ({ degree, fit, loss }) => {
        say(network, `${fit} of degree ${degree} loses ${loss.toFixed(2)}`);
      },
    );
  });
  const original = await step(network, 'original', planHash, async () => {
    const { images } = digits('test', 0, simulatedImages);
    return topClassesOf(readFileSync(file), readNpy(images));
  });
  const labels = labelsOf(digits('test', 0, simulatedImages).labels);
  const simulated: number[] = [];
  let escapedImages = 0;
  for (let first = 0; first < simulatedImages; first += simulatedAtOnce) {
    const part = await step(network, `simulate-${first}`, planHash, async () => {
      const input = path.join(folder, 'images.npy');
      writeFileSync(input, digits('test', first, simulatedAtOnce).images);
      // Each part has a key of its own.
      const found = await run('simulate', plan, '--input', input, '--seed', String(1 + first));
      return { classes: topOf(found), escaped: Number(found['escapedImages']) };
    });
    simulated.push(...part.classes);
    escapedImages += part.escaped;
  }
  const encrypted: number[] = [];
  const times: Timing[] = [];
  let [threads, worstBits] = [1, Infinity];
  for (let first = 0; first < encryptedImages; first += encryptedAtOnce) {
    const part = await step(network, `encrypted-${first}`, planHash, () =>
      runEncrypted(digits('test', first, encryptedAtOnce).images),
    );
    encrypted.push(...part.classes);
    times.push(part);
    threads = part.threads;
    worstBits = Math.min(worstBits, part.worstBits);
  }
  const alone = path.join(folder, 'latency.json');
  if (values.latency) rmSync(alone, { force: true });
  if (values.latency || existsSync(alone)) {
    const timed = await step(network, 'latency', planHash, () =>
      runEncrypted(digits('test', 0, timedImages).images),
    );
    times.splice(0, times.length, timed);
  }
  return {
    network: name,
    budget,
    securityBits: report.parameters.securityBits,
    chosen: planOf(jointChoice.chosen),
    uniform: jointChoice.uniform === null ? null : planOf(jointChoice.uniform),
    oneDegree,
    simulated: {
      images: simulated.length,
      originalAccuracy: shareAlike(original, labels),
      accuracy: shareAlike(simulated, labels),
      agreement: shareAlike(simulated, original),
      escapedImages,
    },
    encrypted: {
      images: encrypted.length,
      agreement: shareAlike(encrypted, original),
      // The first of a session encodes the constants.
      milliseconds: medianOf(times.flatMap(({ milliseconds }) => milliseconds.slice(1))),
      busy: times.some(({ load }) => load >= busyLoad),
      threads,
      precisionBits: worstBits,
    },
  };

  async function runEncrypted(images: Uint8Array): Promise<Timing & EncryptedPart> {
    const input = path.join(folder, 'images.npy');
    writeFileSync(input, images);
    const found = await run(
      ...['run', plan, '--input', input, '--backend', 'native', '--threads', '1'],
    );
    const timings = found['timingsMs'] as { readonly evaluate: readonly number[] };
    const bits = found['precisionBits'] as { readonly worst: number };
    return {
      classes: topOf(found),
      milliseconds: timings.evaluate,
      load: loadavg()[0] ?? 0,
      threads: Number(found['threads']),
      worstBits: bits.worst,
    };
  }

  function digits(part: 'train' | 'test', first: number, count: number) {
    const files = mnistFiles(part, { first, count }, form);
    if (files === null) throw new Error('the data folder is there');
    return files;
  }
}

/** Evaluations of a session, and how busy the machine was at their end. */
interface Timing {
  readonly milliseconds: readonly number[];
  readonly load: number;
}

interface EncryptedPart {
  readonly classes: readonly number[];
  readonly threads: number;
  readonly worstBits: number;
}

/** The result of a step, from its file where the step was done on the same. */
async function step<T>(
  network: ReluNetwork,
  name: string,
  of: string,
  work: () => Promise<T>,
): Promise<T> {
  const file = path.join(results, network.name, `${name}.json`);
  const key = createHash('sha256').update(of).digest('hex');
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { readonly key: string; result: T };
    if (kept.key === key) return kept.result;
  }
  const start = performance.now();
  say(network, name);
  const result = await work();
  writeFileSync(file, JSON.stringify({ key, result }));
  say(network, `${name} took ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return result;
}

function say({ name }: ReluNetwork, text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${name}: ${text}`);
}

/** A command of cipherloom; its JSON. */
async function run(...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const { status, stdout, stderr } = await cipherloom(...words, '--json');
  if (status !== 0)
    throw new Error(`cipherloom ${words.join(' ')} ends with ${String(status)}\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Top class of each image in the outputs of a command. */
function topOf(found: Readonly<Record<string, unknown>>): number[] {
  const outputs = found['outputs'] as Readonly<Record<string, readonly (readonly number[])[]>>;
  return (Object.values(outputs)[0] ?? []).map((row) => row.indexOf(Math.max(...row)));
}

async function topClassesOf(
  model: Uint8Array,
  { shape, data }: ReturnType<typeof readNpy>,
): Promise<number[]> {
  const [count = 0, ...one] = shape;
  const elements = data.length / count;
  const name = await inputNameOf(model);
  const classes: number[] = [];
  for (let k = 0; k < count; k++) {
    const image = data.slice(k * elements, (k + 1) * elements);
    const outputs = await runOnnx(model, new Map([[name, { shape: [1, ...one], data: image }]]));
    const logits = Array.from([...outputs.values()][0]?.data ?? []);
    classes.push(logits.indexOf(Math.max(...logits)));
  }
  return classes;
}

async function inputNameOf(model: Uint8Array): Promise<string> {
  const ort = await import('onnxruntime-web');
  const session = await ort.InferenceSession.create(model);
  const [name = ''] = session.inputNames;
  await session.release();
  return name;
}

function labelsOf(bytes: Uint8Array<ArrayBuffer>): number[] {
  return Array.from(readNpy(bytes).data, Number);
}

function shareAlike(found: readonly number[], wanted: readonly number[]): number {
  return found.filter((own, k) => own === wanted[k]).length / found.length;
}

function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function planOf({
  degrees,
  loss,
  seconds,
  compiled,
  levels,
  ringDegree,
}: NonNullable<Report['jointChoice']>['chosen']): ReluRow['chosen'] {
  if (ringDegree === null) throw new Error('a plan has a ring');
  return { degrees: [...degrees], loss, seconds, compiled, levels, ringDegree };
}

/** One row, the others as they were. */
async function write(row: ReluRow): Promise<void> {
  const kept = existsSync(dataFile)
    ? reluRowsSchema.parse(JSON.parse(readFileSync(dataFile, 'utf8')))
    : [];
  const rows = reluNetworks.flatMap(({ name }) => {
    const own = name === row.network ? row : kept.find(({ network }) => network === name);
    return own === undefined ? [] : [own];
  });
  for (const [file, text] of [
    [dataFile, JSON.stringify(rows)],
    [pageFile, withReluTable(readFileSync(pageFile, 'utf8'), rows)],
  ] as const) {
    const config = await resolveConfig(file);
    writeFileSync(file, await format(text, { ...config, filepath: file }));
  }
}
