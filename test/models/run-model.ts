/** Compile one file, run its plan in the clear, and compare it with ONNX Runtime. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import onnxProto from 'onnx-proto';
import { runPlanInClear } from '../../src/cli/protocol/clear-results.ts';
import { compile } from '../../src/compile.ts';
import type { CompiledModel } from '../../src/compile.ts';
import { CipherloomError } from '../../src/errors.ts';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import type { UnsupportedPart } from '../../src/frontend/import-onnx.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { randomInputs } from '../support/compare-onnx.ts';
import { runOnnx } from '../support/onnxruntime.ts';
import type { ModelCase } from './model-cases.ts';

/** Random images that activations and ranges are calibrated on, and those that are compared. */
const calibrationCount = 128;
const comparedCount = 3;
const firstCalibrationSeed = 1000;

export interface ModelFigures {
  readonly levels: number;
  readonly ringDegree: number;
  readonly rotationKeys: number;
  /** What the report states for the outputs; null where nothing was approximated. */
  readonly statedError: number | null;
}

export interface ModelRefusal {
  readonly code: string;
  /** In one line, with the figures or every node concerned. */
  readonly reason: string;
  /** Where levels ran out: what each layer takes and what is needed behind it. */
  readonly layers: readonly LayerLevels[];
}

export interface LayerLevels {
  readonly node: string | null;
  readonly op: string;
  readonly levels: number;
  readonly levelsBehind: number;
}

export interface ModelOutcome {
  readonly file: string;
  readonly kind: ModelCase['kind'];
  readonly range: ModelCase['range'];
  readonly compiled: ModelFigures | null;
  readonly refused: ModelRefusal | null;
  /** Largest difference to ONNX Runtime: of an element, and relative to the largest of the output. */
  readonly measured: Difference | null;
  /** Processor time: other processes share the machine. */
  readonly compileSeconds: number;
}

/** Compile and compare. Throws errors that are not a refusal by name. */
export async function runModel(folder: string, modelCase: ModelCase): Promise<ModelOutcome> {
  const { file, kind, range } = modelCase;
  const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
  const started = process.cpuUsage();
  const seconds = (): number => process.cpuUsage(started).user / 1e6;
  const common = { file, kind, range };
  let model: CompiledModel;
  try {
    model = await compileCase(bytes, modelCase);
  } catch (error) {
    const refused = refusalOf(error);
    const compileSeconds = seconds();
    return { ...common, compiled: null, refused, measured: null, compileSeconds };
  }
  const compileSeconds = seconds();
  const { report } = model;
  const compiled = {
    levels: report.parameters.levels,
    ringDegree: report.parameters.ringDegree,
    rotationKeys: report.rotationKeys,
    statedError:
      report.approximationError.length === 0
        ? null
        : Math.max(...report.approximationError.map(({ worst }) => worst)),
  };
  const measured = await measure(bytes, model, modelCase);
  return { ...common, compiled, refused: null, measured, compileSeconds };
}

/** Inputs of the compared images and of the calibration differ by their seeds. */
function imported(bytes: Uint8Array, { range }: ModelCase) {
  const names = importOnnx(bytes, { name: 'model' }).program.operations.flatMap(
    ({ op, attributes }) => (op === 'nn.input' ? [attributes['name'] as string] : []),
  );
  const inputRanges = Object.fromEntries(names.map((name) => [name, range] as const));
  return { inputRanges, model: importOnnx(bytes, { name: 'model', inputRanges }) };
}

/** Compile as a user would with data at hand: ranges given, MaxPool averaged where the file has it. */
export async function compileCase(
  bytes: Uint8Array<ArrayBuffer>,
  modelCase: ModelCase,
): Promise<CompiledModel> {
  const { inputRanges, model } = imported(bytes, modelCase);
  const calibration = new Map<string, Float64Array<ArrayBuffer>[]>();
  for (let n = 0; n < calibrationCount; n++) {
    for (const [name, { data }] of randomInputs(model, firstCalibrationSeed + n)) {
      calibration.set(name, [...(calibration.get(name) ?? []), data]);
    }
  }
  const name = path.basename(modelCase.file, '.onnx').replace(/\W/g, '_');
  return compile(
    { bytes, name, file: modelCase.file },
    {
      inputRanges,
      ...(modelCase.kind === 'HE-friendly' ? {} : { calibration }),
      options: modelCase.kind === 'MaxPool' ? { maxPool: 'average' } : {},
    },
  );
}

/** Difference of two results: of an element, and relative to the largest element of its output. */
export interface Difference {
  readonly absolute: number;
  readonly relative: number;
}

/** The largest differences of all outputs, named alike. */
export function differenceOf(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, Float64Array>,
): Difference {
  let [absolute, relative] = [0, 0];
  for (const [name, data] of expected) {
    const got = actual.get(name);
    if (got?.length !== data.length) throw new Error(`${name}: another number of elements`);
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    const difference = data.reduce((most, x, n) => Math.max(most, Math.abs(x - got[n]!)), 0);
    absolute = Math.max(absolute, difference);
    relative = Math.max(relative, difference / largest);
  }
  return { absolute, relative };
}

export type Inputs = ReturnType<typeof randomInputs>;

/** Random inputs of a file, by seed. */
export function inputsOf(bytes: Uint8Array, modelCase: ModelCase, seed: number): Inputs {
  return randomInputs(imported(bytes, modelCase).model, seed);
}

/** What ONNX Runtime makes of inputs; of MaxPool, with AveragePool in its place. */
export async function expectedOutputs(
  bytes: Uint8Array,
  { kind }: ModelCase,
  inputs: Inputs,
): Promise<Map<string, Float64Array>> {
  const expected = await runOnnx(kind === 'MaxPool' ? withAveragePools(bytes) : bytes, inputs);
  return new Map([...expected].map(([name, { data }]) => [name, data]));
}

async function measure(
  bytes: Uint8Array<ArrayBuffer>,
  { plan, client }: CompiledModel,
  modelCase: ModelCase,
): Promise<Difference> {
  await using session = await InferenceSession.create(plan, { backend: 'clear' });
  let [absolute, relative] = [0, 0];
  for (let seed = 1; seed <= comparedCount; seed++) {
    const inputs = inputsOf(bytes, modelCase, seed);
    const tensors = new Map(
      [...inputs].map(([name, { shape, data }]) => [name, { shape, data, images: 1 }]),
    );
    const { results } = await runPlanInClear(session, client, { images: 1, tensors });
    const actual = new Map([...results].map(([name, [data]]) => [name, data ?? []]));
    const own = differenceOf(actual, await expectedOutputs(bytes, modelCase, inputs));
    absolute = Math.max(absolute, own.absolute);
    relative = Math.max(relative, own.relative);
  }
  return { absolute, relative };
}

/** The same network with an AveragePool for every MaxPool, as `--max-pool average` computes it. */
function withAveragePools(bytes: Uint8Array): Uint8Array {
  const model = onnxProto.onnx.ModelProto.decode(bytes);
  for (const node of model.graph?.node ?? []) {
    if (node.opType !== 'MaxPool') continue;
    node.opType = 'AveragePool';
    node.attribute = (node.attribute ?? []).filter(({ name }) => name !== 'storage_order');
  }
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

function refusalOf(error: unknown): ModelRefusal {
  if (!(error instanceof CipherloomError) || error.exit === 1) throw error;
  const { code, details, message } = error;
  const parts = code === 'MODEL_UNSUPPORTED' ? (details['nodes'] as UnsupportedPart[]) : [];
  const layers = (details['layers'] ?? []) as readonly LayerLevels[];
  const [headline = ''] = message.split('\n');
  const nodes = parts.map(({ name, operator }) => `${name} (${operator})`).join(', ');
  return { code, reason: nodes === '' ? headline : nodes, layers };
}
