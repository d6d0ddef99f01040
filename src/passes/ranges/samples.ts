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
import { syntheticInputs } from './synthetic-inputs.ts';

/** More images change the extremes by little and cost time in proportion. */
export const maxSamples = 512;
/** Below it extremes are uncertain, and the margin is wider. */
export const enoughSamples = 32;

export interface Samples {
  readonly synthetic: boolean;
  readonly images: readonly ReadonlyMap<string, Value>[];
  /** Largest magnitude expected, over the largest seen. */
  readonly margin: number;
  /** A proved range is kept up to this multiple of the largest magnitude seen. */
  readonly proofSlack: number;
  /** Inputs that hold one number in every element of every image: they show no range. */
  readonly constant: readonly string[];
}

/** Margins of images that say nothing about extremes: made up ones, or one number throughout. */
const uninformed = { margin: 8, proofSlack: 16 } as const;

/** Calibration images of a program, or synthetic ones. Throws INPUT_INVALID where they do not fit. */
export function samplesOf(program: Program, { calibration }: PassContext): Samples {
  const inputs = givenInputs(program);
  if (calibration === null) {
    const images = inputs.map((input, n) =>
      syntheticInputs(shapeOf(input.type), declaredRange(input), n),
    );
    return {
      synthetic: true,
      images: together(program, inputs, images),
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
  const count = Math.min(maxSamples, ...images.map((own) => own.length));
  const kept = images.map((own) => own.slice(0, count));
  const constant = inputs
    .filter((_, n) => isConstant(kept[n] ?? []))
    .map((input) => textOf(input, 'name'));
  return {
    synthetic: false,
    images: together(program, inputs, kept),
    ...(constant.length > 0
      ? uninformed
      : { margin: count < enoughSamples ? 3 : 2, proofSlack: 4 }),
    constant,
  };
}

function isConstant(images: readonly Float64Array[]): boolean {
  const first = images[0]?.[0];
  return images.every((image) => image.every((value) => value === first));
}

function declaredRange({ type }: Operation): readonly [number, number] {
  return [type.range?.lo ?? 0, type.range?.hi ?? 1];
}

/** Image n of every input and public value, by name. */
function together(
  program: Program,
  inputs: readonly Operation[],
  images: readonly (readonly Float64Array<ArrayBuffer>[])[],
): ReadonlyMap<string, Value>[] {
  return Array.from({ length: images[0]?.length ?? 0 }, (_, n) =>
    withPublicValues(
      program,
      new Map(
        inputs.map((input, k) => {
          const data = images[k]?.[n] ?? new Float64Array();
          return [
            textOf(input, 'name'),
            { kind: 'tensor', tensor: { shape: shapeOf(input.type), data } },
          ];
        }),
      ),
    ),
  );
}
