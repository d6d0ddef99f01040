/** The inputs that ranges are calibrated on. */
import { CipherloomError } from '../../errors.ts';
import type { Value } from '../../ir/define-op.ts';
import { withPublicValues } from '../../ir/interpret.ts';
import type { Operation, Program } from '../../ir/program.ts';
import { givenInputs } from '../../ir/public-values.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { textOf } from '../../ir/attribute-values.ts';
import type { PassContext } from '../define-pass.ts';
import { productsOf } from '../linear/count-products.ts';
import { syntheticCount, syntheticInput } from './synthetic-inputs.ts';

/** More images change the extremes by little and cost time in proportion. */
export const maxSamples = 512;
/** Products that the linear layers take on all images together: 2^34 are about a minute. */
const maxProducts = 2 ** 34;
/** Below it extremes are uncertain, and the margin is wider. */
export const enoughSamples = 32;

/** Makes the inputs and public values of one image, by name: all images together fill memory. */
export type Sample = () => ReadonlyMap<string, Value>;

export interface Samples {
  readonly synthetic: boolean;
  readonly images: readonly Sample[];
  /** Largest magnitude expected, over the largest seen. */
  readonly margin: number;
  /** A proved range is kept up to this multiple of the largest magnitude seen. */
  readonly proofSlack: number;
  /** Inputs that hold one number in every element of every image: they show no range. */
  readonly constant: readonly string[];
}

/** Margins of images that say nothing about extremes: made up ones, or one number throughout. */
const uninformed = { margin: 8, proofSlack: 16 } as const;

/**
 * Calibration images of a program, `most` at most, or synthetic ones. Throws INPUT_INVALID where they
 * do not fit.
 */
export function samplesOf(
  program: Program,
  { calibration }: Pick<PassContext, 'calibration'>,
  most = maxSamples,
): Samples {
  const inputs = givenInputs(program);
  if (calibration === null) {
    return {
      synthetic: true,
      images: affordable(
        program,
        together(program, inputs, syntheticCount, (input, k, n) =>
          syntheticInput(shapeOf(input.type), declaredRange(input), k, n),
        ),
      ),
      ...uninformed,
      constant: [],
    };
  }
  const images = inputs.map((input) => {
    const name = textOf(input, 'name');
    const given = calibration.get(name);
    const elements = elementCount(shapeOf(input.type));
    const bad = given?.find((image) => image.length !== elements);
    if (given === undefined || given.length === 0 || bad !== undefined) {
      throw new CipherloomError(
        'INPUT_INVALID',
        bad === undefined
          ? `there is no calibration data for the input "${name}"`
          : `a calibration image of ${bad.length} elements does not fit the input "${name}" of ${elements}`,
        {
          phase: 'nn',
          node: name,
          details: { given: [...calibration.keys()], elements },
          hint: `--calibration ${name}=FILE.npy for every input`,
        },
      );
    }
    return given;
  });
  const count = Math.min(most, ...images.map((own) => own.length));
  const constant = inputs
    .filter((_, k) => isConstant(images[k]?.slice(0, count) ?? []))
    .map((input) => textOf(input, 'name'));
  const samples = affordable(
    program,
    together(program, inputs, count, (_, k, n) => images[k]?.[n] ?? new Float64Array()),
  );
  return {
    synthetic: false,
    images: samples,
    ...(constant.length > 0
      ? uninformed
      : { margin: samples.length < enoughSamples ? 3 : 2, proofSlack: 4 }),
    constant,
  };
}

/** As many images, evenly chosen, as the size of the layers leaves time for. */
function affordable(program: Program, samples: readonly Sample[]): readonly Sample[] {
  const products = productsOf(program).reduce((sum, own) => sum + own.products, 0);
  const most = Math.max(1, Math.floor(maxProducts / Math.max(1, products)));
  const count = Math.min(samples.length, most);
  return Array.from(
    { length: count },
    (_, n) => samples[Math.floor((n * samples.length) / count)]!,
  );
}

function isConstant(images: readonly Float64Array[]): boolean {
  const first = images[0]?.[0];
  return images.every((image) => image.every((value) => value === first));
}

function declaredRange({ type }: Operation): readonly [number, number] {
  return [type.range?.lo ?? 0, type.range?.hi ?? 1];
}

/** One image of every input and public value, `count` times. */
function together(
  program: Program,
  inputs: readonly Operation[],
  count: number,
  dataOf: (input: Operation, k: number, n: number) => Float64Array<ArrayBuffer>,
): Sample[] {
  return Array.from({ length: count }, (_, n) => () => {
    const tensors = inputs.map((input, k): [string, Value] => {
      const tensor = { shape: shapeOf(input.type), data: dataOf(input, k, n) };
      return [textOf(input, 'name'), { kind: 'tensor', tensor }];
    });
    return withPublicValues(program, new Map(tensors));
  });
}
