/** Runs a plan without encryption, image by image: the path of the encrypted evaluators. */
import { CipherloomError } from '../../errors.ts';
import { programInputs } from '../../ir/ckks/program-inputs.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { ValueId } from '../../ir/program.ts';
import { batchSize, elementCount, pack, unpack } from '../../layout/layout.ts';
import { execute } from '../execute/execute.ts';
import type { InputSource, Observer } from '../execute/execute.ts';
import type { PaceOptions } from '../execute/pacer.ts';
import type { PreparedProgram } from '../execute/prepare-program.ts';
import { computePublicValues, executionValues } from '../execute/public-values.ts';
import type { PublicTensors } from '../execute/public-values.ts';
import { ClearEngine } from './clear-engine.ts';
import type { ClearValue, NoiseModel } from './clear-engine.ts';

/** Images by name, each flattened. */
export type ClearTensors = ReadonlyMap<string, readonly ArrayLike<number>[]>;

export interface RunClearOptions extends PaceOptions {
  /** Tensors that the server knows, by name. */
  readonly public?: PublicTensors | undefined;
  /** Switches the noise model on. */
  readonly noise?: NoiseModel | undefined;
  /** Called with the images of watched values, execution by execution: their elements, row-major. */
  readonly observe?: (id: ValueId, images: readonly Float64Array<ArrayBuffer>[]) => void;
  /** The values that `observe` is called with. */
  readonly watch?: ReadonlySet<ValueId>;
}

/**
 * Run a prepared plan on images in the clear, as many executions as they need.
 *
 * Shapes: each input [images][elements]; each output likewise, before the client's postprocessing.
 * Throws INPUT_INVALID for a missing input, a wrong length or different numbers of images.
 */
export async function runClear(
  prepared: PreparedProgram,
  inputs: ClearTensors,
  options: RunClearOptions = {},
): Promise<Map<string, Float64Array<ArrayBuffer>[]>> {
  const { program } = prepared;
  const modulus = program.modulus;
  if (modulus === null) throw new CipherloomError('PLAN_INVALID', 'the program has no modulus');
  const declared = programInputs(program).flatMap(({ value, name, type }) => {
    const form = prepared.forms[value];
    return form === undefined
      ? []
      : [{ name, layout: type.layout, form, images: imagesOf(inputs, name) }];
  });
  const images = declared[0]?.images.length ?? 0;
  for (const { name, layout, images: own } of declared) {
    const elements = elementCount(layout.shape);
    if (own.length !== images) {
      refuse(name, `has ${own.length} images, "${declared[0]?.name ?? ''}" has ${images}`);
    }
    const wrong = own.findIndex((image) => image.length !== elements);
    if (wrong >= 0) {
      refuse(name, `image ${wrong} has ${own[wrong]?.length ?? 0} elements, not ${elements}`);
    }
  }

  const known = computePublicValues(program, options.public ?? {}, images);
  const batch = declared[0] === undefined ? 1 : batchSize(declared[0].layout);
  const results = new Map<string, Float64Array<ArrayBuffer>[]>(
    program.outputs.map(({ name }) => [name, []]),
  );
  const rotationSteps = new Set(prepared.keys.rotations.map(({ step }) => step));
  for (let first = 0; first < images; first += batch) {
    const engine = new ClearEngine(modulus, { noise: options.noise, rotationSteps });
    const sources = new Map<string, InputSource<ClearValue>>(
      declared.map(({ name, layout, form, images: own }) => {
        const vectors = pack(layout, own.slice(first, first + batch));
        return [
          name,
          (index) => engine.input(vectors[index] ?? new Float64Array(), form.level, form.scale),
        ];
      }),
    );
    const publicValues = executionValues(known, first, batch);
    const held = Math.min(batch, images - first);
    const observe = watcher(prepared, options, held);
    const outputs = await execute(prepared, engine, sources, { ...options, publicValues, observe });
    for (const { name, value } of program.outputs) {
      const { layout } = ciphertextOf(operationOf(program, value).type);
      const vectors = (outputs.get(name) ?? []).map(({ slots }) => slots);
      results.get(name)?.push(...unpack(layout, vectors, held));
    }
  }
  return results;
}

/** Gathers the ciphertexts of watched values. */
function watcher(
  { program }: PreparedProgram,
  { observe, watch }: RunClearOptions,
  images: number,
): Observer<ClearValue> | undefined {
  if (observe === undefined || watch === undefined) return undefined;
  const gathered = new Map<ValueId, Float64Array<ArrayBuffer>[]>();
  return (id, index, { slots }) => {
    if (!watch.has(id)) return;
    const vectors = gathered.get(id) ?? [];
    gathered.set(id, vectors);
    vectors[index] = slots.slice();
    const { layout } = ciphertextOf(operationOf(program, id).type);
    if (Object.keys(vectors).length < layout.ciphertexts) return;
    gathered.delete(id);
    observe(id, unpack(layout, vectors, images));
  };
}

function imagesOf(inputs: ClearTensors, name: string): readonly ArrayLike<number>[] {
  return inputs.get(name) ?? refuse(name, 'is missing');
}

function refuse(name: string, reason: string): never {
  throw new CipherloomError('INPUT_INVALID', `input "${name}" ${reason}`, {
    phase: 'server',
    node: name,
  });
}
