/** The inputs of a plan, those included that the server knows and no client sends. */
import type { TensorLike } from '../../client/index.ts';
import type { ClientPlan, InputForm as PlanInput } from '../../layout/client-plan.ts';
import { readInputs } from '../../layout/read-inputs.ts';
import type { InputForm, InputTensors } from '../input-tensors.ts';

/** Every input of the model; a public one may come once for all images. */
export function planInputs({ inputs, publicInputs = [] }: ClientPlan): (PlanInput & InputForm)[] {
  return [...inputs, ...publicInputs.map((input) => ({ ...input, shared: true as const }))];
}

/** The images of some inputs, in the model's shape. */
export function tensorsOf(
  inputs: readonly PlanInput[],
  { tensors }: InputTensors,
): Record<string, TensorLike> {
  return Object.fromEntries(
    inputs.map(({ name, shape }) => {
      const { data, images } = tensors.get(name)!;
      const tail = shape[0] === 1 ? shape.slice(1) : shape;
      return [name, { data, shape: [images, ...tail] }];
    }),
  );
}

/** What the server is given in the clear. */
export function publicTensors(
  { publicInputs = [] }: ClientPlan,
  inputs: InputTensors,
): Record<string, TensorLike> {
  return tensorsOf(publicInputs, inputs);
}

/** Check all inputs before the work that needs them. Throws INPUT_INVALID. */
export function checkInputs(plan: ClientPlan, inputs: InputTensors): void {
  const forms = planInputs(plan);
  readInputs(forms, tensorsOf(forms, inputs));
}
