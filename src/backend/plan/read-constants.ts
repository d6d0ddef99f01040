/** The constants of a program in a plan. */
import { CipherloomError } from '../../errors.ts';
import { tensor } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { elementCount } from '../../layout/layout.ts';
import type { PlanMessage } from './message.ts';

/** Throws PLAN_INVALID naming the constant. */
export function readConstants(
  list: PlanMessage['constants'],
  decoded: readonly Float64Array<ArrayBuffer>[],
): Map<string, Tensor> {
  const constants = new Map<string, Tensor>();
  for (const { name, shape, blob } of list) {
    const what = `constant @${name}`;
    const data = decoded[blob] ?? refuse(what, `names blob ${blob} of ${decoded.length}`);
    if (elementCount(shape) !== data.length) {
      refuse(what, `has shape [${shape.join(', ')}] and ${data.length} numbers`);
    }
    if (constants.has(name)) refuse(what, 'stands twice');
    constants.set(name, tensor(shape, data));
  }
  return constants;
}

function refuse(what: string, reason: string): never {
  throw new CipherloomError('PLAN_INVALID', `plan: ${what} ${reason}`, {
    phase: 'plan',
    node: what,
    hint: 'compile the model again',
  });
}
