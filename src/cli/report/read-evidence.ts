import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { reportFileName } from '../protocol/read-report.ts';
import { summarise } from '../protocol/summarise.ts';
import { readBoundedFile } from '../read-file.ts';

/** A figure, on how many images, and in which file it was found. */
export interface Finding<T = number> {
  readonly value: T;
  readonly images: number;
  readonly file: string;
}

/** Root mean square errors over that of the values of a layer; null is what cannot be compared. */
export interface LayerErrors {
  /** On ciphertexts, and simulated. */
  readonly measured: number | null;
  readonly simulated: number | null;
  /** Of polynomials: on images inside of the ranges, and on others. */
  readonly approximation: number | null;
  readonly rangeEscape: number | null;
}

/** The first layer that verify found wrong. */
export type WrongLayer = NonNullable<z.infer<typeof verifySchema>['firstWrongLayer']>;

/** How often the argument of an activation left its range. */
export type Escape = z.infer<typeof escapeSchema>;

/** A budget as `check` judged it. */
export type JudgedBudget = z.infer<typeof checkSchema>['budgets'][number];

/** What `run`, `simulate`, `verify` and `check` found of a plan; null is what nobody measured. */
export interface Evidence {
  readonly accuracy: {
    readonly original: Finding | null;
    readonly polynomial: Finding | null;
    /** With drawn noise. */
    readonly simulated: Finding | null;
    readonly encrypted: Finding | null;
  };
  /** Accuracy of the original less that of the plan, on the same images. */
  readonly loss: { readonly polynomial: Finding | null; readonly encrypted: Finding | null };
  /** Top-1 agreement of encrypted results with the original. */
  readonly agreement: Finding | null;
  /** Against the plan in the clear, on the worst image; Infinity where all was equal. */
  readonly precisionBits: Finding | null;
  /** Median of one evaluation. */
  readonly latency: Finding<{ readonly ms: number; readonly evaluator: string }> | null;
  readonly peakMemoryBytes: Finding | null;
  /** Null where nothing was checked. */
  readonly budgets: readonly JudgedBudget[] | null;
  /** By node of the model, of verify --layers. */
  readonly layerErrors: ReadonlyMap<string, LayerErrors>;
  /** Null where every layer is right, or nobody compared them. */
  readonly wrongLayer: WrongLayer | null;
  /** By node of the activation; null where nobody counted. */
  readonly escapes: Finding<ReadonlyMap<string, Escape>> | null;
  /** Files that were read. */
  readonly files: readonly string[];
  /** Files of the same kind about another plan. */
  readonly foreign: readonly string[];
}

const maxFiles = 64;
const maxFileBytes = 2 ** 26;
const planFiles = ['client.json', reportFileName];

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const list = z.array(z.number().nonnegative()).max(2 ** 20);
const planHash = z.string().max(64);

const runSchema = z.object({
  planHash,
  backend: z.enum(['native', 'seal', 'clear']),
  threads: count,
  images: count,
  accuracy: share.nullable(),
  accuracyReference: share.nullable().default(null),
  accuracyProgram: share.nullable().default(null),
  agreement: share.nullable(),
  agreementReference: z.string(),
  precisionBits: z.object({ worst: z.number().nullable() }),
  timingsMs: z.object({ evaluate: list }),
  peakMemoryBytes: count,
});

const figure = z.number().nullable();

const escapeSchema = z.object({
  node: z.string(),
  escaped: count,
  elements: count,
  escapedImages: count,
  images: count,
  predicted: share,
});

const escapeList = z.array(escapeSchema).max(20_000);

const simulateSchema = z.object({
  planHash,
  seed: count,
  evaluator: z.enum(['native', 'seal']),
  images: count,
  accuracy: share.nullable(),
  agreementProgram: share.nullable(),
  rangeEscapes: escapeList,
});

const verifySchema = z.object({
  planHash,
  backend: z.enum(['native', 'seal', 'clear']),
  images: count,
  reference: z.string(),
  agreement: share.nullable(),
  precisionBitsProgram: z.object({ worst: z.number().nullable() }),
  perImage: z.array(z.unknown()).max(2 ** 20),
  layers: z
    .array(
      z.object({
        node: z.string(),
        measured: figure,
        predicted: figure,
        approximation: figure,
        rangeEscape: figure,
      }),
    )
    .max(20_000)
    .nullable()
    .default(null),
  rangeEscapes: escapeList.nullable().default(null),
  firstWrongLayer: z
    .object({ node: z.string(), cause: z.string(), error: figure, limit: z.number() })
    .nullable()
    .default(null),
});

const checkSchema = z.object({
  planHash,
  ok: z.boolean(),
  budgets: z
    .array(
      z.object({
        name: z.string(),
        option: z.string(),
        limit: z.number(),
        figure: z.number(),
        bound: z.enum(['least', 'most']),
        source: z.string(),
        met: z.boolean(),
      }),
    )
    .max(1000),
});

/**
 * What the JSON files in a plan folder tell that `run`, `simulate`, `verify` and `check` wrote with
 * --json about this plan, and those in `given`. Of two that tell the same, that with more images
 * counts.
 *
 * Throws  RESOURCE_LIMIT for more files or larger ones than results are; for a given one
 *         FILE_UNREADABLE, DATA_INVALID where it is no result, PLAN_MISMATCH
 */
export function readEvidence(
  folder: string,
  hash: string,
  given: readonly string[] = [],
): Evidence {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !planFiles.includes(name))
    .sort();
  if (names.length > maxFiles) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `${folder} holds ${names.length} JSON files; results are looked for in at most ${maxFiles}`,
      {
        phase: 'cli',
        node: folder,
        details: { files: names.length, limit: maxFiles },
        hint: 'keep in the folder only the results that the page is to show',
      },
    );
  }
  const found = nothingFound();
  for (const file of names) {
    const value = parsedJson(join(folder, file));
    const own = z.object({ planHash }).safeParse(value);
    const kinds = own.success ? readersOf(value, file) : [];
    if (!own.success || kinds.length === 0) continue;
    if (own.data.planHash === hash) {
      found.files.push(file);
      for (const read of kinds) read(found);
    } else {
      found.foreign.push(file);
    }
  }
  for (const path of given) readGiven(found, path, hash);
  return found;
}

/** A file that was named must be a result, and about this plan. */
function readGiven(found: Draft, path: string, hash: string): void {
  const value = parsedJson(path);
  const own = z.object({ planHash }).safeParse(value);
  const file = basename(path);
  const kinds = readersOf(value, file);
  if (!own.success || kinds.length === 0) {
    throw new CipherloomError(
      'DATA_INVALID',
      `${path} is no result of run, simulate, verify or check`,
      {
        phase: 'cli',
        node: path,
        hint: `cipherloom simulate DIR --input X.npy --labels Y.npy --json > ${path}`,
      },
    );
  }
  if (own.data.planHash !== hash) {
    throw new CipherloomError(
      'PLAN_MISMATCH',
      `${path} is about the plan ${own.data.planHash}, the folder holds ${hash}`,
      {
        phase: 'cli',
        node: path,
        details: { expected: hash, actual: own.data.planHash },
        hint: 'measure again: the model or the options have changed since',
      },
    );
  }
  found.files.push(file);
  for (const read of kinds) read(found);
}

/** Another program's file may be anything; it is none of ours then. */
function parsedJson(path: string): unknown {
  const bytes = readBoundedFile(path, maxFileBytes);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

type Reader = (found: Draft) => void;

function readersOf(value: unknown, file: string): Reader[] {
  const run = runSchema.safeParse(value);
  const simulate = simulateSchema.safeParse(value);
  const verify = verifySchema.safeParse(value);
  const check = checkSchema.safeParse(value);
  return [
    ...(run.success
      ? [
          (found: Draft) => {
            takeRun(found, run.data, file);
          },
        ]
      : []),
    ...(simulate.success
      ? [
          (found: Draft) => {
            takeSimulation(found, simulate.data, file);
          },
        ]
      : []),
    ...(verify.success
      ? [
          (found: Draft) => {
            takeVerify(found, verify.data, file);
          },
        ]
      : []),
    ...(check.success
      ? [
          (found: Draft) => {
            found.budgets = [...(found.budgets ?? []), ...check.data.budgets];
          },
        ]
      : []),
  ];
}

/** Evidence under way. */
type Draft = { -readonly [K in keyof Evidence]: Evidence[K] } & {
  readonly files: string[];
  readonly foreign: string[];
};

function nothingFound(): Draft {
  return {
    accuracy: { original: null, polynomial: null, simulated: null, encrypted: null },
    loss: { polynomial: null, encrypted: null },
    agreement: null,
    precisionBits: null,
    latency: null,
    peakMemoryBytes: null,
    budgets: null,
    layerErrors: new Map(),
    wrongLayer: null,
    escapes: null,
    files: [],
    foreign: [],
  };
}

function takeRun(found: Draft, run: z.infer<typeof runSchema>, file: string): void {
  const { images, backend } = run;
  const of = <T>(value: T | null): Finding<T> | null =>
    value === null ? null : { value, images, file };
  const encrypted = backend !== 'clear';
  const { accuracy } = found;
  found.accuracy = {
    ...accuracy,
    original: better(accuracy.original, of(run.accuracyReference)),
    polynomial: better(accuracy.polynomial, of(encrypted ? run.accuracyProgram : run.accuracy)),
    encrypted: better(accuracy.encrypted, of(encrypted ? run.accuracy : null)),
  };
  const original = run.accuracyReference;
  const lost = (own: number | null): number | null =>
    original === null || own === null ? null : original - own;
  found.loss = {
    polynomial: better(
      found.loss.polynomial,
      of(lost(encrypted ? run.accuracyProgram : run.accuracy)),
    ),
    encrypted: better(found.loss.encrypted, of(lost(encrypted ? run.accuracy : null))),
  };
  if (!encrypted) return;
  found.precisionBits = better(found.precisionBits, of(run.precisionBits.worst ?? Infinity));
  found.peakMemoryBytes = better(found.peakMemoryBytes, of(run.peakMemoryBytes));
  if (run.agreementReference !== planInTheClear) {
    found.agreement = better(found.agreement, of(run.agreement));
  }
  const ms = summarise(run.timingsMs.evaluate)?.median;
  const threads = run.threads > 1 ? `, ${run.threads} threads` : '';
  if (ms !== undefined) {
    found.latency = better(found.latency, of({ ms, evaluator: `${backend}${threads}` }));
  }
}

/** How `run` calls its reference where no model was given. */
const planInTheClear = 'the plan in the clear';

function takeSimulation(
  found: Draft,
  simulation: z.infer<typeof simulateSchema>,
  file: string,
): void {
  const { images, accuracy, rangeEscapes } = simulation;
  if (accuracy !== null) {
    const own = { value: accuracy, images, file };
    found.accuracy = { ...found.accuracy, simulated: better(found.accuracy.simulated, own) };
  }
  takeEscapes(found, rangeEscapes, images, file);
}

function takeEscapes(found: Draft, escapes: readonly Escape[], images: number, file: string): void {
  if (escapes.length === 0) return;
  const value = new Map(escapes.map((escape) => [escape.node, escape]));
  found.escapes = better(found.escapes, { value, images, file });
}

function takeVerify(found: Draft, verify: z.infer<typeof verifySchema>, file: string): void {
  const { images, backend, agreement, layers, rangeEscapes } = verify;
  if (backend === 'clear') return;
  if (layers !== null) {
    found.layerErrors = new Map(
      layers.map(({ node, predicted, ...errors }) => [node, { ...errors, simulated: predicted }]),
    );
    found.wrongLayer = verify.firstWrongLayer;
  }
  takeEscapes(found, rangeEscapes ?? [], images, file);
  if (agreement !== null) {
    found.agreement = better(found.agreement, { value: agreement, images, file });
  }
  const value = verify.precisionBitsProgram.worst ?? Infinity;
  found.precisionBits = better(found.precisionBits, { value, images, file });
}

function better<T>(known: Finding<T> | null, next: Finding<T> | null): Finding<T> | null {
  if (known === null || next === null) return known ?? next;
  return next.images > known.images ? next : known;
}
