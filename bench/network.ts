/**
 * Time of one example network on one backend: one JSON line, microseconds of processor time.
 *
 *   node bench/network.ts lola native [--runs 21] [--profile FILE] [--target native] [--max-key-bytes BYTES]
 *
 * One run is one evaluation, from the bytes of a request to those of the answer, with plan and keys
 * loaded before. `--profile` has perf sample the runs into a file.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile, readNpy } from 'cipherloom';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import type { Backend } from 'cipherloom/server';
import { prepareProgram } from '../src/backend/execute/prepare-program.ts';
import { loadAddon } from '../src/backend/native/load-addon.ts';
import { nativeMemory, packingKernel } from '../src/backend/native/native-memory.ts';
import { readPlan } from '../src/backend/plan/read-plan.ts';
import { compileOptionsSchema } from '../src/passes/options.ts';
import { packageVersion } from './results/package-version.ts';
import { threadScaling } from './thread-scaling.ts';

const pixels = 784;
const warmUps = 2;

function file(name: string): Uint8Array<ArrayBuffer> {
  const path = fileURLToPath(new URL(`../examples/mnist/${name}`, import.meta.url));
  return new Uint8Array(readFileSync(path));
}

function images(name: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(file(name));
  const count = data.length / pixels;
  return Array.from({ length: count }, (_, k) => data.slice(k * pixels, (k + 1) * pixels));
}

/** Samples of this process, until it is stopped; null where perf is not installed. */
async function startProfiler(output: string): Promise<ChildProcess | null> {
  const args = ['record', '-e', 'cpu-clock', '-F', '997', '-o', output, '-p', String(process.pid)];
  const perf = spawn('perf', args, { stdio: 'ignore' });
  try {
    await once(perf, 'spawn');
  } catch {
    process.stderr.write('no profile: perf cannot be started\n');
    return null;
  }
  // perf says nowhere when it has attached.
  await sleep(1000);
  return perf;
}

interface Times {
  /** Sorted, microseconds. */
  readonly processor: readonly number[];
  readonly wall: readonly number[];
}

async function measure(
  session: InferenceSession,
  request: Uint8Array<ArrayBuffer>,
  runs: number,
): Promise<Times> {
  const processor: number[] = [];
  const wall: number[] = [];
  for (let run = 0; run < runs; run++) {
    const [start, from] = [performance.now(), process.cpuUsage()];
    await session.run(request);
    const { user, system } = process.cpuUsage(from);
    processor.push(user + system);
    wall.push((performance.now() - start) * 1000);
  }
  const ascending = (a: number, b: number): number => a - b;
  return { processor: processor.sort(ascending), wall: wall.sort(ascending) };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '21' },
    profile: { type: 'string' },
    target: { type: 'string', default: 'portable' },
    'max-key-bytes': { type: 'string' },
  },
});
const [network = 'lola', backend = 'native'] = positionals;
const budget = values['max-key-bytes'];
const { target, maxKeyBytes } = compileOptionsSchema.parse({
  target: values.target,
  maxKeyBytes: budget === undefined ? null : Number(budget),
});
const forNative = target === 'native';
const runs = Math.max(1, Math.floor(Number(values.runs)));
const model = await compile(
  { bytes: file(`${network}.onnx`), name: network },
  {
    calibration: new Map([['image', images('calibration.npy')]]),
    options: { target, maxKeyBytes },
  },
);
using client = Client.load(model.client);
const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
using session = await InferenceSession.create(model.plan, {
  backend: backend as Backend,
  evaluationKeys,
});
const image = images('images.npy')[0] ?? new Float64Array(pixels);
const request = await client.encrypt({ image });
await measure(session, request, warmUps);
const profiler = values.profile === undefined ? null : await startProfiler(values.profile);
const times = await measure(session, request, runs);
if (profiler !== null) {
  const ended = once(profiler, 'exit');
  profiler.kill('SIGINT');
  await ended;
}

// A result that is not the network's is not worth its time.
const output = model.client.outputs[0]?.name ?? '';
using clear = await InferenceSession.create(model.plan, { backend: 'clear' });
const want = (await clear.runClear(new Map([['image', [image]]]))).get(output)?.[0] ?? [];
const got = (await client.decrypt(await session.run(request)))[output]?.data ?? [];
const largest = Math.max(...Array.from(want, Math.abs));
const error = Math.max(...Array.from(want, (value, k) => Math.abs(value - (got[k] ?? NaN))));
if (!(error < largest / 100)) throw new Error(`${network}: an output is off by ${error}`);

const library = backend === 'native' ? 'cipherloom' : 'node-seal';
const { parameters, keyBytes, rotationKeys } = model.report;
const { threads } = session;
const scaling = threads > 1 ? await threadScaling('processor', threads) : null;
const packed = loadAddon().addon?.kernel() === packingKernel;
const resident = nativeMemory(prepareProgram(readPlan(model.plan).program), { packed }).keyBytes;
// What several threads gain is seen on the wall alone.
for (const clock of backend === 'native'
  ? (['processor', 'wall'] as const)
  : ['processor' as const]) {
  const sorted = times[clock];
  const line = {
    library,
    version: packageVersion(library),
    network,
    operation: clock === 'processor' ? 'evaluate' : 'evaluate, wall clock',
    ...(forNative && { target: 'native' }),
    threads,
    ...(scaling !== null && { processorScaling: Number(scaling.toFixed(2)) }),
    median: Math.round(sorted[Math.floor((runs - 1) / 2)] ?? NaN),
    min: Math.round(sorted[0] ?? NaN),
    runs,
    ringDegree: parameters.ringDegree,
    logQP: parameters.logQP,
    keyBytes,
    ...(backend === 'native' && { residentKeyBytes: resident }),
    rotationKeys,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
