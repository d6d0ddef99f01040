import { postprocess, type Tensor } from '../../client/postprocess.ts';
import type { ClientOutput, ClientPlan } from '../../layout/client-plan.ts';
import type { InferenceSession } from '../../server/index.ts';
import { sliceImages, type InputTensors } from '../input-tensors.ts';
import type { Results } from './compare.ts';
import { publicTensors } from './plan-inputs.ts';

export interface ClearRun {
  readonly results: Results;
  /** Milliseconds of each execution. */
  readonly evaluateMs: readonly number[];
}

/**
 * Run a plan in the clear as the encrypted one runs: `batch` images an execution, and the client's
 * last steps after it.
 *
 * ASSUME: the inputs were checked (`readInputs` of the client).
 */
export async function runPlanInClear(
  session: InferenceSession,
  plan: ClientPlan,
  inputs: InputTensors,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<ClearRun> {
  const results = new Map<string, Float64Array[]>(plan.outputs.map(({ name }) => [name, []]));
  const evaluateMs: number[] = [];
  const executions = Math.ceil(inputs.images / plan.batch);
  for (let execution = 0; execution < executions; execution++) {
    onProgress(execution, executions);
    const held = sliceImages(inputs, execution * plan.batch, plan.batch);
    const images = new Map([...held.tensors].map(([name, tensor]) => [name, splitImages(tensor)]));
    const startedAt = performance.now();
    const raw = await session.runClear(images, { public: publicTensors(plan, held) });
    evaluateMs.push(performance.now() - startedAt);
    for (const [name, rows] of finishResults(plan, raw)) results.get(name)?.push(...rows);
  }
  onProgress(executions, executions);
  return { results, evaluateMs };
}

/** One array an image; the memory is shared. */
export function splitImages<T extends Float32Array | Float64Array>({
  data,
  images,
}: {
  readonly data: T;
  readonly images: number;
}): T[] {
  const each = data.length / images;
  return Array.from(
    { length: images },
    (_, image) => data.subarray(image * each, (image + 1) * each) as T,
  );
}

/** The steps that a plan leaves to the client, on every image. */
export function finishResults(plan: ClientPlan, raw: Results): Results {
  return new Map(
    plan.outputs.map((output) => [
      output.name,
      (raw.get(output.name) ?? []).map((data) => finish(output, data)),
    ]),
  );
}

/** The steps that a plan leaves to the client, on one image. */
function finish(output: ClientOutput, data: Float64Array): Float64Array {
  return output.postprocess.reduce<Tensor>(postprocess, { data, shape: output.shape }).data;
}
