/**
 * Measure the example networks: predicted against measured precision, modelled against measured
 * time, seal's against the native evaluator's, and where memory and bytes go.
 *
 *   npm run bench                      lola, cryptonets and relu, and batches of the first two
 *   npm run bench -- lenet --images 3  one network
 *   npm run bench -- --json            one JSON object on stdout
 *   npm run bench -- --predictions     predicted against measured times, see bench/model.ts
 *   npm run bench -- --profile-out F   measure a profile of both evaluators
 *
 * Machines differ and are shared: the figure to compare is measured over modelled time, which the
 * load of a machine moves alike for all networks of one run.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile, readNpy } from 'cipherloom';
import type { CompiledModel } from 'cipherloom';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import { prepareProgram } from '../src/backend/execute/prepare-program.ts';
import { loadAddon } from '../src/backend/native/load-addon.ts';
import { nativeMemory, packingKernel, totalBytes } from '../src/backend/native/native-memory.ts';
import { readPlan } from '../src/backend/plan/read-plan.ts';
import { peakResidentBytes } from './peak-memory.ts';
import { physicalCores, threadScaling } from './thread-scaling.ts';
import { printPredictions, writeProfile } from './model.ts';
import { median } from './profile/time-plans.ts';
import { measureThroughput } from './throughput.ts';
import type { Throughput } from './throughput.ts';

const pixels = 784;

interface Measurement {
  readonly network: string;
  readonly ringDegree: number;
  readonly logQP: number;
  readonly securityBits: number;
  readonly levels: number;
  readonly rotationKeys: number;
  readonly keyBytes: number;
  readonly inputCiphertextBytes: number;
  readonly precisionBits: { readonly predicted: number; readonly measured: number };
  readonly compileSeconds: number;
  readonly keygenSeconds: number;
  readonly encryptSeconds: number;
  readonly evaluateSeconds: {
    readonly modelled: number | null;
    readonly first: number;
    readonly best: number;
    readonly median: number;
  };
  /** Of the native evaluator; null where its addon is not built. */
  readonly nativeEvaluateSeconds: {
    readonly first: number;
    readonly median: number;
    readonly twoThreadsMedian: number;
  } | null;
  /** Of the native evaluator, besides its process; null where its addon is not built. */
  readonly nativeMemoryBytes: { readonly predicted: number; readonly measured: number } | null;
  /** What two threads have of the machine, beside the times above; null where they are. */
  readonly twoThreads: { readonly memory: number; readonly processor: number } | null;
  readonly decryptSeconds: number;
  readonly peakResidentBytes: number;
}

function exampleFile(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    readFileSync(fileURLToPath(new URL(`../examples/mnist/${name}`, import.meta.url))),
  );
}

function images(name: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(exampleFile(name));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    data.slice(k * pixels, (k + 1) * pixels),
  );
}

async function timed<T>(
  work: () => T | Promise<T>,
): Promise<{ readonly value: T; readonly seconds: number }> {
  const start = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - start) / 1000 };
}

/** What a script of this folder prints of a plan, its keys and requests, in a process of its own. */
function inOwnProcess(
  script: string,
  plan: Uint8Array,
  evaluationKeys: Uint8Array,
  requests: readonly Uint8Array[],
): unknown {
  const folder = mkdtempSync(path.join(tmpdir(), 'cipherloom-bench-'));
  try {
    const files = [plan, evaluationKeys, ...requests].map((bytes, index) => {
      const file = path.join(folder, String(index));
      writeFileSync(file, bytes);
      return file;
    });
    const program = fileURLToPath(new URL(script, import.meta.url));
    return JSON.parse(execFileSync(process.execPath, [program, ...files], { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What was freed elsewhere in this process would hide what is taken. */
function measureMemory(
  model: CompiledModel,
  evaluationKeys: Uint8Array,
  request: Uint8Array,
): NonNullable<Measurement['nativeMemoryBytes']> {
  const { baselineBytes, peakBytes } = inOwnProcess('memory.ts', model.plan, evaluationKeys, [
    request,
  ]) as { readonly baselineBytes: number; readonly peakBytes: number };
  const packed = loadAddon().addon?.kernel() === packingKernel;
  const prepared = prepareProgram(readPlan(model.plan).program);
  return {
    predicted: totalBytes(nativeMemory(prepared, { packed })),
    measured: peakBytes - baselineBytes,
  };
}

async function measure(network: string, count: number): Promise<Measurement> {
  const calibration = new Map([['image', images('calibration.npy')]]);
  const compiled = await timed(() =>
    compile({ bytes: exampleFile(`${network}.onnx`), name: network }, { calibration }),
  );
  const model: CompiledModel = compiled.value;
  const client = Client.load(model.client);
  const keys = await timed(async () => (await client.generateKeys()).evaluationKeys.bytes());
  const session = await InferenceSession.create(model.plan, {
    backend: 'seal',
    evaluationKeys: keys.value,
  });
  const clear = await InferenceSession.create(model.plan, { backend: 'clear' });
  const [output] = model.client.outputs;
  if (output === undefined) throw new Error('the network has an output');
  const encryptTimes: number[] = [];
  const evaluateTimes: number[] = [];
  const decryptTimes: number[] = [];
  const requests: Uint8Array<ArrayBuffer>[] = [];
  let measured = Infinity;
  for (const image of images('images.npy').slice(0, count)) {
    const request = await timed(() => client.encrypt({ image }));
    const response = await timed(() => session.run(request.value));
    const result = await timed(() => client.decrypt(response.value));
    encryptTimes.push(request.seconds);
    requests.push(request.value);
    evaluateTimes.push(response.seconds);
    decryptTimes.push(result.seconds);
    const expected = (await clear.runClear(new Map([['image', [image]]]))).get(output.name)?.[0];
    const got = result.value[output.name]?.data;
    if (expected === undefined || got === undefined) throw new Error('both runs have the output');
    const values = Array.from(expected);
    const largest = Math.max(...values.map(Math.abs));
    const error = Math.max(...values.map((value, k) => Math.abs(value - (got[k] ?? NaN))));
    measured = Math.min(measured, Math.log2(largest / error));
  }
  await session.release();
  await clear.release();
  const [first] = requests;
  if (first === undefined) throw new Error('--images: at least 1');
  const hasNative = loadAddon().addon !== null;
  const nativeEvaluateSeconds = hasNative
    ? (inOwnProcess('native-times.ts', model.plan, keys.value, requests) as NonNullable<
        Measurement['nativeEvaluateSeconds']
      >)
    : null;
  const twoThreads = hasNative
    ? { memory: await threadScaling('memory', 2), processor: await threadScaling('processor', 2) }
    : null;
  const nativeMemoryBytes = hasNative ? measureMemory(model, keys.value, first) : null;
  const { report } = model;
  return {
    network,
    ringDegree: report.parameters.ringDegree,
    logQP: report.parameters.logQP,
    securityBits: report.parameters.securityBits,
    levels: report.parameters.levels,
    rotationKeys: report.rotationKeys,
    keyBytes: report.keyBytes,
    inputCiphertextBytes: report.inputCiphertextBytes,
    precisionBits: { predicted: report.precisionBits, measured },
    compileSeconds: compiled.seconds,
    keygenSeconds: keys.seconds,
    encryptSeconds: Math.min(...encryptTimes),
    evaluateSeconds: {
      modelled: report.modelledSeconds,
      // The first execution loads keys and encodes weights.
      first: evaluateTimes[0] ?? NaN,
      best: Math.min(...evaluateTimes),
      median: median(evaluateTimes.slice(1)),
    },
    nativeEvaluateSeconds,
    nativeMemoryBytes,
    twoThreads,
    decryptSeconds: Math.min(...decryptTimes),
    peakResidentBytes: peakResidentBytes(),
  };
}

/** Both evaluators in one run, so that the machine's load moves both. */
function nativeLine({ evaluateSeconds, nativeEvaluateSeconds: native }: Measurement): string {
  if (native === null) return '  native      not built: npm run build:native';
  const ratio = evaluateSeconds.median / native.median;
  return `  native      ${native.median.toFixed(3)} s (first ${native.first.toFixed(2)} s), medians: 1/${ratio.toFixed(1)} of seal's ${evaluateSeconds.median.toFixed(2)} s; aim 1/15`;
}

/** Threads against one, beside what the machine gives two at the time. */
function threadsLine({ nativeEvaluateSeconds: native, twoThreads }: Measurement): string[] {
  if (native === null || twoThreads === null) return [];
  const { memory, processor } = twoThreads;
  const ratio = native.median / native.twoThreadsMedian;
  const cores = physicalCores();
  const machine = cores === null ? 'unknown' : `${cores}${cores < 2 ? ': the aim needs two' : ''}`;
  return [
    `  two threads ${native.twoThreadsMedian.toFixed(3)} s: ${ratio.toFixed(2)} times as fast as one; aim 1.7; what two threads have of one's: processor ${processor.toFixed(2)}, memory ${memory.toFixed(2)}; physical cores: ${machine}`,
  ];
}

function memoryLine({ nativeMemoryBytes: memory }: Measurement): string[] {
  if (memory === null) return [];
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const predicted = mebibytes(memory.predicted);
  const measured = mebibytes(memory.measured);
  const ratio = (memory.measured / memory.predicted).toFixed(2);
  return [
    `  memory      native ${predicted} MiB predicted, ${measured} MiB measured: ${ratio} of it; aim 0.85 to 1.15`,
  ];
}

/** Networks whose batches are measured, with the precision that is asked for and the images a second. */
const batches = [
  { network: 'lola', precisionBits: 12, aim: 2000 },
  { network: 'lola', precisionBits: 10, aim: 5000 },
  { network: 'cryptonets', precisionBits: 10, aim: 5000 },
] as const;

function throughputLine(found: Throughput, aim: number): string {
  const { network, precisionBits, batch, threads, seconds, imagesPerSecond } = found;
  const times = seconds.map((each) => each.toFixed(2)).join(', ');
  return `${network} for throughput, ${precisionBits} bits: ${Math.round(imagesPerSecond)} images/s, batches of ${batch} on ${threads} threads in ${times} s; aim ${aim}\n`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    'profile-out': { type: 'string' },
    predictions: { type: 'boolean', default: false },
    plans: { type: 'string' },
    evaluators: { type: 'string' },
  },
});
if (values['profile-out'] !== undefined) {
  await writeProfile(values['profile-out'], values.evaluators);
  process.exit(0);
}
if (values.predictions) {
  await printPredictions(positionals, values.plans, values.evaluators);
  process.exit(0);
}
const networks = positionals.length > 0 ? positionals : ['lola', 'cryptonets', 'relu'];
const results: Measurement[] = [];
for (const network of networks) {
  process.stderr.write(`measuring ${network}\n`);
  results.push(await measure(network, Number(values.images)));
}
const throughputs: { readonly found: Throughput; readonly aim: number }[] = [];
for (const { network, precisionBits, aim } of batches) {
  if (!networks.includes(network)) continue;
  process.stderr.write(`measuring batches of ${network}\n`);
  const model = { bytes: exampleFile(`${network}.onnx`), name: network };
  const found = await measureThroughput(model, images('calibration.npy'), precisionBits, 2);
  if (found !== null) throughputs.push({ found, aim });
}
if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ node: process.version, results, throughputs: throughputs.map(({ found }) => found) })}\n`,
  );
} else {
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  for (const r of results) {
    const { predicted, measured } = r.precisionBits;
    const { modelled, first, best } = r.evaluateSeconds;
    process.stdout.write(
      [
        r.network,
        `  parameters  N = ${r.ringDegree}, log2 QP = ${r.logQP.toFixed(1)}, ${r.levels} levels, ${r.securityBits} bits of security`,
        `  precision   ${predicted.toFixed(1)} bits predicted, ${measured.toFixed(1)} measured (worst)`,
        `  bytes       keys ${mib(r.keyBytes)} (${r.rotationKeys} rotations), input ${mib(r.inputCiphertextBytes)}, resident ${mib(r.peakResidentBytes)}`,
        `  client      keys ${r.keygenSeconds.toFixed(2)} s, encrypt ${r.encryptSeconds.toFixed(3)} s, decrypt ${r.decryptSeconds.toFixed(3)} s`,
        `  evaluation  ${best.toFixed(2)} s (first ${first.toFixed(2)} s), modelled ${modelled?.toFixed(2) ?? '–'} s: ${modelled === null ? '–' : (best / modelled).toFixed(2)} of the model`,
        nativeLine(r),
        ...threadsLine(r),
        ...memoryLine(r),
        `  compiled in ${r.compileSeconds.toFixed(2)} s`,
        '',
      ].join('\n'),
    );
  }
  for (const { found, aim } of throughputs) process.stdout.write(throughputLine(found, aim));
}
