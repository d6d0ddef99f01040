import type { ClientPlan } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';
import type { InputTensors } from '../input-tensors.ts';
import { planInputs } from './plan-inputs.ts';

/** Share of a range that the noise covers. */
const amplitude = 1 / 8;

/**
 * Images of faint noise, around the value nearest zero: the time of an evaluation does not depend on
 * its values, but values unlike any real input may leave the ranges inside a plan. The same for
 * every run.
 */
export function syntheticImages(plan: ClientPlan, images: number): InputTensors {
  let state = 1;
  // The multiplier and modulus of MINSTD (Park and Miller, 1988).
  const random = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return {
    images,
    tensors: new Map(
      planInputs(plan).map(({ name, shape, range: [low, high] }) => {
        const width = (high - low) * amplitude;
        const start = Math.min(Math.max(low, -width / 2), high - width);
        const data = new Float64Array(images * elementCount(shape));
        for (let k = 0; k < data.length; k++) data[k] = start + width * random();
        return [name, { data, images }];
      }),
    ),
  };
}
