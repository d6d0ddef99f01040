/** What averages in the place of maxima change of a network's answers. */
import { interpret } from '../../ir/interpret.ts';
import { tensorOf } from '../../ir/nn/values.ts';
import type { Program } from '../../ir/program.ts';
import type { PassContext } from '../define-pass.ts';
import { samplesOf } from '../ranges/samples.ts';

/** Images that both networks are run on, at most. */
const mostImages = 256;

export interface MaxPoolCost {
  readonly images: number;
  /** Share of images whose largest output is the same one; null of a network with one number. */
  readonly agreement: number | null;
  /** Root mean square difference of the outputs, over the root mean square of the original's. */
  readonly relativeError: number;
}

/** Compare the network as it is with the one of average pools. Cost: two runs an image. */
export function maxPoolCost(
  exact: Program,
  averaged: Program,
  calibration: NonNullable<PassContext['calibration']>,
): MaxPoolCost {
  const { images } = samplesOf(exact, { calibration }, mostImages);
  let [same, differences, squares] = [0, 0, 0];
  let several = false;
  for (const image of images) {
    const [wanted, got] = [exact, averaged].map((program) => {
      const results = interpret(program, image());
      return program.outputs.map(({ name }) => tensorOf(results.get(name)).data);
    });
    const agree = wanted!.every((own, k) => largestPlace(own) === largestPlace(got![k]!));
    several ||= wanted!.some(({ length }) => length > 1);
    same += agree ? 1 : 0;
    wanted!.forEach((own, k) => {
      own.forEach((value, n) => {
        squares += value * value;
        differences += (value - got![k]![n]!) ** 2;
      });
    });
  }
  return {
    images: images.length,
    agreement: several ? same / images.length : null,
    relativeError: squares === 0 ? 0 : Math.sqrt(differences / squares),
  };
}

function largestPlace(values: Float64Array): number {
  return values.reduce((best, value, n) => (value > values[best]! ? n : best), 0);
}
