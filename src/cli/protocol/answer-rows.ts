import type { ClientOutput, ClientPlan } from '../../layout/client-plan.ts';
import type { Tensor } from '../../client/index.ts';
import { splitImages } from './clear-results.ts';
import type { Results } from './compare.ts';

/** What the client decrypted, one flat array an image. */
export function answerRows(plan: ClientPlan, tensors: Readonly<Record<string, Tensor>>): Results {
  return new Map(
    plan.outputs.map((output) => {
      const { data } = tensors[output.name]!;
      const images = data.length / elementsAnImage(output);
      return [output.name, splitImages({ data, images })];
    }),
  );
}

/** Elements of one image after the client's last steps: an arg max leaves one of its axis. */
function elementsAnImage({ shape, postprocess }: ClientOutput): number {
  const extents = [...shape];
  for (const { op, axis, keepDims } of postprocess) {
    if (op !== 'argMax') continue;
    const at = axis < 0 ? axis + extents.length : axis;
    extents.splice(at, 1, ...(keepDims === true ? [1] : []));
  }
  return extents.reduce((product, extent) => product * extent, 1);
}
