import type { ClientOutput, ClientPlan } from '../../layout/client-plan.ts';
import type { Tensor } from '../../client/index.ts';
import { elementCount } from '../../layout/layout.ts';
import { shapeAfter } from '../../layout/postprocess.ts';
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

/** Elements of one image after the client's last steps. */
function elementsAnImage({ shape, postprocess }: ClientOutput): number {
  return elementCount(postprocess.reduce((now, step) => shapeAfter(step, now), shape));
}
