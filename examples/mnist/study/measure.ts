/** Compiles the plan of a cell and runs it on encrypted images, with the command line that everybody has. */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Ask, Cell } from './cells.ts';
import type { ImageSet } from './images.ts';
import type { CellRecord, Measurement, PlanFigures } from './record.ts';

export interface Place {
  /** Root of the checkout. */
  readonly root: string;
  /** Folder of MNIST networks. */
  readonly examples: string;
  /** Folder for plans. */
  readonly scratch: string;
  /** Most bytes of memory that a plan may be predicted to take. */
  readonly memoryBytes: number;
  /** Seconds after which a command is ended. */
  readonly limitSeconds: number;
}

const errorSchema = z.object({ code: z.string(), message: z.string() });

const compileSchema = z.object({
  planHash: z.string(),
  parameters: z.object({
    ringDegree: z.number(),
    logQP: z.number(),
    securityBits: z.number(),
    levels: z.number(),
    specialPrimes: z.array(z.string()),
  }),
  rotationKeys: z.number(),
  keyBytes: z.number(),
  residentKeyBytes: z.number(),
  inputCiphertextBytes: z.number(),
  outputCiphertextBytes: z.number(),
  batch: z.number(),
  modelledSeconds: z.number().nullable(),
  evaluatorSeconds: z.object({ native: z.object({ first: z.number() }) }),
  nativeMemory: z
    .object({ plaintextBytes: z.number() })
    .catchall(z.number())
    // Encoded constants are kept as far as memory goes.
    .transform(({ plaintextBytes: _, ...rest }) =>
      Object.values(rest).reduce((sum, bytes) => sum + bytes, 0),
    ),
  timingsMs: z.object({ compile: z.number() }),
});

const runSchema = z.object({
  backend: z.string(),
  threads: z.number(),
  images: z.number(),
  accuracy: z.number().nullable(),
  agreement: z.number().nullable(),
  agreementReference: z.string(),
  precisionBits: z.object({ worst: z.number().nullable() }),
  timingsMs: z.object({
    keygen: z.number(),
    encrypt: z.array(z.number()),
    evaluate: z.array(z.number()).nonempty(),
    decrypt: z.array(z.number()),
  }),
  peakMemoryBytes: z.number(),
});

/** What a command printed: its object, or the error that it ended with. */
type Answer =
  | { readonly ok: true; readonly json: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

async function command(place: Place, words: readonly string[]): Promise<Answer> {
  const cli = path.join(place.root, 'bin/cipherloom');
  const child = spawn(process.execPath, [cli, ...words, '--json', '--quiet'], {
    cwd: place.root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const state = { late: false };
  const timer = setTimeout(() => {
    state.late = true;
    child.kill('SIGKILL');
  }, place.limitSeconds * 1000);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(code === 0 ? '' : (signal ?? `status ${code ?? 0}`));
    });
  });
  const [stdout, stderr, failure] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  clearTimeout(timer);
  if (failure === '') return { ok: true, json: JSON.parse(stdout) };
  if (state.late) return refusal('TIME_LIMIT', `not done after ${place.limitSeconds} s`);
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  const error = errorSchema.safeParse(last.startsWith('{') ? JSON.parse(last) : null);
  if (error.success) return refusal(error.data.code, error.data.message);
  // What the system does where memory runs out.
  if (failure === 'SIGKILL') return refusal('OUT_OF_MEMORY', 'ended by the system');
  return refusal('ENDED', `${failure}: ${last}`);
}

function refusal(code: string, message: string): Answer {
  return { ok: false, code, message: message.split('\n')[0] ?? message };
}

/** The words that a cell takes from the figures of another one. */
function askedWords(ask: Ask, base: PlanFigures): string[] {
  switch (ask.kind) {
    case 'next-ring':
      return ['--ring-degree', String(base.ringDegree * 2)];
    case 'key-share':
      return ['--max-key-bytes', String(Math.floor(base.keyBytes * ask.share))];
  }
}

export interface Plan {
  readonly folder: string;
  readonly commands: readonly string[];
  readonly figures: PlanFigures;
}

/** Compile the plan of a cell; the record of why not, where it cannot be. */
export async function compileCell(
  place: Place,
  cell: Cell,
  base: PlanFigures | null,
): Promise<Plan | CellRecord> {
  const folder = path.join(place.scratch, 'plan');
  const asked =
    cell.relativeTo === null || base === null ? [] : askedWords(cell.relativeTo.ask, base);
  const model = path.join(place.examples, `${cell.network}.onnx`);
  const calibration = path.join(place.examples, 'calibration.npy');
  const batch = cell.batch === 1 ? [] : ['--batch', String(cell.batch)];
  const words = [
    'compile',
    model,
    '-o',
    folder,
    '--calibration',
    calibration,
    '--target',
    'native',
    ...batch,
    ...cell.words,
    ...asked,
  ];
  const commands = [typed(place, words)];
  const answer = await command(place, words);
  const refused = (code: string, message: string): CellRecord => ({
    status: 'refused',
    id: cell.id,
    commands,
    code,
    message,
  });
  if (!answer.ok) return refused(answer.code, answer.message);
  const report = compileSchema.parse(answer.json);
  const {
    parameters,
    timingsMs,
    nativeMemory: modelledMemoryBytes,
    evaluatorSeconds,
    ...rest
  } = report;
  if (modelledMemoryBytes > place.memoryBytes) {
    const [need, have] = [modelledMemoryBytes, place.memoryBytes].map((bytes) =>
      (bytes / 1e9).toFixed(1),
    );
    return refused(
      'TOO_LARGE',
      `would take ${need ?? ''} GB, of ${have ?? ''} GB that may be used`,
    );
  }
  const { ringDegree, logQP, securityBits, levels, specialPrimes } = parameters;
  return {
    folder,
    commands,
    figures: {
      ...rest,
      modelledFirstSeconds: evaluatorSeconds.native.first,
      ringDegree,
      logQP,
      securityBits,
      levels,
      specialPrimes: specialPrimes.length,
      modelledMemoryBytes,
      compileMs: timingsMs.compile,
    },
  };
}

/** Run a plan on encrypted images, on the native evaluator. */
export async function runCell(
  place: Place,
  cell: Cell,
  plan: Plan,
  images: ImageSet,
): Promise<CellRecord> {
  const words = [
    'run',
    plan.folder,
    '--input',
    images.images,
    '--limit',
    String(cell.images),
    '--model',
    path.join(place.examples, `${cell.network}.onnx`),
    ...(images.labels === null ? [] : ['--labels', images.labels]),
    '--backend',
    'native',
    '--threads',
    String(cell.threads),
  ];
  const commands = [...plan.commands, typed(place, words)];
  const before = loadavg()[0] ?? 0;
  const answer = await command(place, words);
  if (!answer.ok) {
    return { status: 'refused', id: cell.id, commands, code: answer.code, message: answer.message };
  }
  const run = runSchema.parse(answer.json);
  const { encrypt, evaluate, decrypt, keygen } = run.timingsMs;
  const measurement: Measurement = {
    images: run.images,
    threads: run.threads,
    keygenMs: keygen,
    encryptMs: median(encrypt),
    evaluateMs: evaluate,
    decryptMs: median(decrypt),
    peakMemoryBytes: run.peakMemoryBytes,
    precisionBits: run.precisionBits.worst,
    agreement: run.agreement,
    agreementReference: run.agreementReference,
    accuracy: run.accuracy,
    backend: run.backend,
    load: [before, loadavg()[0] ?? 0],
    date: new Date().toISOString(),
  };
  return {
    status: 'measured',
    id: cell.id,
    commands,
    figures: plan.figures,
    measurement,
    sameAs: null,
  };
}

/** As one would type it from the root of a checkout. */
function typed({ root, scratch }: Place, words: readonly string[]): string {
  const short = words.map((word) =>
    word.startsWith(scratch)
      ? path.join('out/study', path.relative(scratch, word))
      : word.startsWith(root)
        ? path.relative(root, word)
        : word,
  );
  return ['cipherloom', ...short].join(' ');
}

export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
