import { basename } from 'node:path';
import { CipherloomError } from '../../errors.ts';
import type { OnnxSource } from '../../compile.ts';
import { importProgram, isDefinedProgram } from '../../frontend/dsl/import-program.ts';
import type { DefinedProgram } from '../../frontend/dsl/define-program.ts';
import { importOnnx } from '../../frontend/import-onnx.ts';
import type { ExternalData } from '../../frontend/onnx/external-data.ts';
import { interpret } from '../../ir/interpret.ts';
import type { Program } from '../../ir/program.ts';
import type * as Ort from 'onnxruntime-web';
import type { ClientPlan } from '../../layout/client-plan.ts';
import type { InputTensors } from '../input-tensors.ts';
import { openModel } from '../model-file.ts';
import { tensorInputs } from '../program-inputs.ts';
import { splitImages } from './clear-results.ts';
import type { Results } from './compare.ts';
import { planInputs } from './plan-inputs.ts';

/** The model that a plan was made from, run in the clear. */
export interface ReferenceModel extends AsyncDisposable {
  /** Who runs it: `onnxruntime-web 1.30.0` or `cipherloom interpreter`. */
  readonly name: string;
  run(inputs: InputTensors, onProgress: (done: number, total: number) => void): Promise<Results>;
}

/**
 * Open a model for comparison: in ONNX Runtime where that is installed and can run it, else in the
 * interpreter. A program in TypeScript runs in the clear; no other software knows it.
 *
 * Throws  FILE_UNREADABLE, MODEL_INVALID, PROGRAM_INVALID, PLAN_MISMATCH when the plan has other
 *         inputs or outputs
 */
export async function openReference(
  path: string,
  plan: ClientPlan,
  exportName: string | undefined,
): Promise<ReferenceModel> {
  const model = await openModel(path, exportName);
  if (isDefinedProgram(model)) {
    const program = importDefined(model, path, plan);
    return { ...interpreterOf(program), name: 'the program in the clear' };
  }
  const files = new Map<string, () => Uint8Array>();
  const external = model.external && recorded(model.external, files);
  const program = importModel({ ...model, ...(external && { external }) }, path, plan);
  if (program !== null) requireSameTensors(path, program, plan);
  return (
    (await openOnnxRuntime(model.bytes, files, plan)) ??
    interpreterOf(requireProgram(program, path))
  );
}

/**
 * The program that the interpreter runs for a model, for its values between layers; null where only
 * ONNX Runtime may run it. Throws as `openReference`.
 */
export async function importReference(
  path: string,
  plan: ClientPlan,
  exportName: string | undefined,
): Promise<Program | null> {
  const model = await openModel(path, exportName);
  return isDefinedProgram(model)
    ? importDefined(model, path, plan)
    : importModel(model, path, plan);
}

/** Notes which files are read: ONNX Runtime wants them whole. */
function recorded(external: ExternalData, files: Map<string, () => Uint8Array>): ExternalData {
  return {
    size: (place) => external.size(place),
    read(place, offset, length) {
      files.set(place.location, () => external.read(place, 0, external.size(place)));
      return external.read(place, offset, length);
    },
  };
}

/** The shape of one image, by input name, and the images as flat arrays. */
function imagesOf(
  inputs: InputTensors,
  plan: ClientPlan,
): readonly (readonly { readonly name: string; readonly data: Float32Array | Float64Array }[])[] {
  const split = planInputs(plan).map(({ name }) => ({
    name,
    images: splitImages(inputs.tensors.get(name)!),
  }));
  return Array.from({ length: inputs.images }, (_, image) =>
    split.map(({ name, images }) => ({ name, data: images[image]! })),
  );
}

async function openOnnxRuntime(
  bytes: Uint8Array,
  files: ReadonlyMap<string, () => Uint8Array>,
  plan: ClientPlan,
): Promise<ReferenceModel | null> {
  let ort: typeof Ort;
  try {
    ort = await import('onnxruntime-web');
  } catch {
    return null;
  }
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'fatal';
  let session: Awaited<ReturnType<typeof ort.InferenceSession.create>>;
  try {
    session = await ort.InferenceSession.create(bytes, {
      logSeverityLevel: 4,
      externalData: [...files].map(([location, content]) => ({ path: location, data: content() })),
    });
  } catch {
    // It has no kernel for some operator or type; the interpreter may.
    return null;
  }
  const shapes = new Map(planInputs(plan).map(({ name, shape }) => [name, shape]));
  return {
    name: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}`,
    async run(inputs, onProgress) {
      const results = emptyResults(plan);
      for (const [image, tensors] of imagesOf(inputs, plan).entries()) {
        onProgress(image, inputs.images);
        const feeds = Object.fromEntries(
          tensors.map(({ name, data }) => [
            name,
            new ort.Tensor('float32', Float32Array.from(data), [...(shapes.get(name) ?? [])]),
          ]),
        );
        const outputs = await session.run(feeds);
        for (const [name, rows] of results) {
          const tensor = outputs[name];
          if (tensor !== undefined) {
            rows.push(Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number));
          }
        }
      }
      return results;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

function interpreterOf(program: Program): ReferenceModel {
  return {
    name: 'cipherloom interpreter',
    run(inputs, onProgress) {
      const forms = tensorInputs(program);
      const results = new Map<string, Float64Array[]>(
        program.outputs.map(({ name }) => [name, []]),
      );
      const images = new Map(
        [...inputs.tensors].map(([name, tensor]) => [name, splitImages(tensor)]),
      );
      for (let image = 0; image < inputs.images; image++) {
        onProgress(image, inputs.images);
        const values = interpret(
          program,
          new Map(
            forms.map(({ name, shape }) => {
              const data = Float64Array.from(images.get(name)?.[image] ?? []);
              return [name, { kind: 'tensor', tensor: { shape, data } }];
            }),
          ),
        );
        for (const [name, value] of values) {
          if (value.kind === 'tensor') results.get(name)?.push(value.tensor.data);
        }
      }
      return Promise.resolve(results);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function emptyResults(plan: ClientPlan): Map<string, Float64Array[]> {
  return new Map(plan.outputs.map(({ name }) => [name, []]));
}

/** The program of a TypeScript file, which must be that of the plan. */
function importDefined(definition: DefinedProgram, path: string, plan: ClientPlan): Program {
  const { program } = importProgram(definition, {});
  requireSameTensors(path, program, plan);
  return program;
}

/** The imported model, or null for one that only ONNX Runtime may run. */
function importModel(
  { bytes, ...model }: OnnxSource,
  path: string,
  plan: ClientPlan,
): Program | null {
  try {
    return importOnnx(bytes, {
      ...model,
      file: basename(path),
      inputShapes: Object.fromEntries(planInputs(plan).map((input) => [input.name, input.shape])),
    }).program;
  } catch (error) {
    if (error instanceof CipherloomError && error.code === 'MODEL_UNSUPPORTED') return null;
    if (error instanceof CipherloomError && error.code === 'USAGE')
      throw otherModel(path, error.message);
    throw error;
  }
}

function requireProgram(program: Program | null, path: string): Program {
  if (program !== null) return program;
  throw new CipherloomError(
    'MODEL_UNSUPPORTED',
    `${path} has operators that neither ONNX Runtime (not installed here, or without them) nor the interpreter runs`,
    { phase: 'cli', node: path, hint: 'npm install onnxruntime-web' },
  );
}

function requireSameTensors(path: string, program: Program, plan: ClientPlan): void {
  const names = (list: readonly { readonly name: string }[]): string =>
    list
      .map(({ name }) => name)
      .sort()
      .join(', ');
  const inputs = tensorInputs(program);
  const expected = names(planInputs(plan));
  if (names(inputs) !== expected) {
    throw otherModel(path, `it has the inputs ${names(inputs)}, the plan ${expected}`);
  }
  if (names(program.outputs) !== names(plan.outputs)) {
    throw otherModel(
      path,
      `it has the outputs ${names(program.outputs)}, the plan ${names(plan.outputs)}`,
    );
  }
}

function otherModel(path: string, reason: string): CipherloomError {
  return new CipherloomError('PLAN_MISMATCH', `${path} is not the model of this plan: ${reason}`, {
    phase: 'cli',
    node: path,
    hint: 'give --model the file that was compiled',
  });
}
