/** Constants that meet encrypted data must be numbers that float32 holds. */
import { CipherloomError } from '../errors.ts';
import type { Tensor } from '../ir/tensor.ts';
import { printable, quoted } from './printable.ts';

const maxFloat32 = (2 - 2 ** -23) * 2 ** 127;

/** A shared weight is looked at once. */
const checked = new WeakSet<Tensor>();

/** Throws MODEL_INVALID naming the value and the element. */
export function checkFinite(tensor: Tensor, name: string): void {
  if (checked.has(tensor)) return;
  // Also finds NaN.
  const index = tensor.data.findIndex((value) => !(Math.abs(value) <= maxFloat32));
  if (index >= 0) {
    const value = String(tensor.data[index]);
    throw new CipherloomError(
      'MODEL_INVALID',
      `tensor ${quoted(name)} [${tensor.shape.join(',')}]: element ${index} is ${value}`,
      {
        phase: 'frontend',
        node: printable(name),
        details: { dims: tensor.shape, index, value, limit: maxFloat32 },
        hint: 'encrypted values are computed with numbers that float32 holds: change the weight, and export the model again',
      },
    );
  }
  checked.add(tensor);
}
