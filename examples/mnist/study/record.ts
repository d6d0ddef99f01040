/** What is kept of a cell that was measured: one file of JSON each, so that a study can go on. */
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const figures = z.object({
  planHash: z.string(),
  ringDegree: z.number(),
  logQP: z.number(),
  securityBits: z.number(),
  levels: z.number(),
  specialPrimes: z.number(),
  rotationKeys: z.number(),
  keyBytes: z.number(),
  residentKeyBytes: z.number(),
  inputCiphertextBytes: z.number(),
  outputCiphertextBytes: z.number(),
  /** Images that an execution holds, where that is not what was asked for. */
  batch: z.number().exactOptional(),
  modelledSeconds: z.number().nullable(),
  /** Of the first execution, which encodes constants. */
  modelledFirstSeconds: z.number().exactOptional(),
  /** Predicted of the native evaluator, without the encoded constants, which are a cache. */
  modelledMemoryBytes: z.number(),
  compileMs: z.number(),
});

export const measurementSchema = z.object({
  images: z.number().positive(),
  threads: z.number().positive(),
  keygenMs: z.number(),
  encryptMs: z.number(),
  /** Every execution, in order. */
  evaluateMs: z.array(z.number()).nonempty(),
  decryptMs: z.number(),
  peakMemoryBytes: z.number(),
  precisionBits: z.number().nullable(),
  agreement: z.number().nullable(),
  agreementReference: z.string(),
  accuracy: z.number().nullable(),
  backend: z.string(),
  /** Load of the machine before and after. */
  load: z.tuple([z.number(), z.number()]),
  date: z.string(),
});

export type PlanFigures = z.infer<typeof figures>;
export type Measurement = z.infer<typeof measurementSchema>;

/**
 * Whether plans agree in parameters, keys and sizes: the bytes of a plan name the compiler and
 * what it predicts, and change with them.
 */
export function doesSameWork(a: PlanFigures, b: PlanFigures): boolean {
  const same = [
    ...(['ringDegree', 'logQP', 'levels', 'specialPrimes', 'rotationKeys'] as const),
    ...(['keyBytes', 'inputCiphertextBytes', 'outputCiphertextBytes'] as const),
  ];
  return a.planHash === b.planHash || same.every((figure) => a[figure] === b[figure]);
}

const recordSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('measured'),
    id: z.string(),
    /** As one would type it. */
    commands: z.array(z.string()),
    figures,
    measurement: measurementSchema,
    /** The cell that was measured where the plan is the same. */
    sameAs: z.string().nullable(),
  }),
  z.object({
    status: z.literal('refused'),
    id: z.string(),
    commands: z.array(z.string()),
    code: z.string(),
    message: z.string(),
  }),
]);

export type CellRecord = z.infer<typeof recordSchema>;
export type Measured = Extract<CellRecord, { status: 'measured' }>;

/** The records of a folder by id. */
export class RecordStore {
  readonly #folder: string;
  readonly #records = new Map<string, CellRecord>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith('.json')) continue;
      const record = recordSchema.parse(JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
      this.#records.set(record.id, record);
    }
  }

  get(id: string): CellRecord | undefined {
    return this.#records.get(id);
  }

  all(): readonly CellRecord[] {
    return [...this.#records.values()];
  }

  /** Keep a record; a study that is interrupted while it writes leaves no half of one. */
  put(record: CellRecord): void {
    const file = path.join(this.#folder, `${record.id}.json`);
    writeFileSync(`${file}.part`, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(`${file}.part`, file);
    this.#records.set(record.id, record);
  }
}
