/** Activations that are linear on both sides of 0, by a composition that approaches the sign. */
import type { ProgramBuilder } from '../../ir/build.ts';
import type { ActivationName } from '../../ir/nn/activation-functions.ts';
import type { ValueId } from '../../ir/program.ts';
import { scalar, tensor } from '../../ir/tensor.ts';
import type { Range } from '../../ir/types.ts';
import type { ElementFunctions } from './element-functions.ts';
import { compositeSign, evaluateSign, signDegrees } from './composite-sign.ts';
import type { SignStage } from './composite-sign.ts';

/** Functions a x + b |x|. */
const twoSided: ReadonlySet<string> = new Set<ActivationName>(['abs', 'leakyRelu', 'relu']);

/** Whether a composition can take the place of all functions of an activation. */
export function isTwoSided({ name }: Pick<ElementFunctions, 'name'>): boolean {
  return twoSided.has(name);
}

export type SignPrecision = keyof typeof signDegrees;
export const signPrecisions = Object.keys(signDegrees).map(Number) as [
  SignPrecision,
  ...SignPrecision[],
];

/** Bits below δ that the evaluation of a stage may be off. */
const slackBits = 4;

/** f(x) = x · (slope + jump · sign(x / reach)) for each distinct function. */
export interface CompositeFit {
  readonly stages: readonly SignStage[];
  readonly reach: number;
  readonly sides: readonly { readonly slope: number; readonly jump: number }[];
  /** By function: the value for an argument. */
  readonly values: readonly ((x: number) => number)[];
  /** Of the polynomial that the stages and the product are together. */
  readonly degree: number;
  /** For the report. */
  readonly method: string;
}

/** The composition for arguments of a range, precise for those beyond 2^−precision of its magnitude. */
export function fitComposite(
  { distinct }: ElementFunctions,
  [lo, hi]: readonly [number, number],
  precision: SignPrecision,
): CompositeFit {
  const degrees = signDegrees[precision];
  const stages = compositeSign(degrees, 2 ** -precision, 2 ** -(precision + slackBits));
  const reach = Math.max(-lo, hi);
  const sides = distinct.map(({ evaluate }) => {
    const [above, below] = [evaluate(1), -evaluate(-1)];
    return { slope: (above + below) / 2, jump: (above - below) / 2 };
  });
  return {
    stages,
    reach,
    sides,
    values: sides.map(
      ({ slope, jump }) =>
        (x) =>
          x * (slope + jump * evaluateSign(stages, x / reach)),
    ),
    degree: degrees.reduce<number>((product, degree) => product * degree, 1) + 1,
    method: `composite sign of degrees ${degrees.join(', ')}`,
  };
}

/**
 * Write u = x / reach, the stages, and u times what the last one gives.
 *
 * Each stage gives what the next one takes, scaled to −1 … 1; the last one gives slope, jump and
 * reach with the sign, so that the product is the result.
 */
export function writeComposite(
  builder: ProgramBuilder,
  x: ValueId,
  { stages, reach, sides }: CompositeFit,
  { shape, which }: ElementFunctions,
  { proved, location }: { readonly proved: boolean; readonly location: string | null },
): ValueId {
  const factor = builder.constant(scalar(1 / reach), 'normalise');
  const u = builder.add('nn.scale', [x], { factor }, { location });
  if (!proved) builder.narrow(u, { lo: -1, hi: 1, source: 'calibrated' });
  // The stages keep to −1 … 1 where their arguments do, which intervals of powers do not show.
  const source = builder.typeOf(u).range?.source === 'calibrated' ? 'calibrated' : 'proved';
  const range: Range = { lo: -1, hi: 1, source };
  let value = u;
  stages.forEach(({ coefficients, reach: own }, n) => {
    const next = stages[n + 1]?.reach;
    const scaled = coefficients.map((coefficient, power) => coefficient * own ** power);
    const hint = `${location ?? 'activation'}.sign${n}`;
    if (next !== undefined) {
      const terms = tensor(
        [scaled.length],
        scaled.map((coefficient) => coefficient / next),
      );
      const constant = builder.constant(terms, hint);
      value = builder.add(
        'nn.polynomial',
        [value],
        { coefficients: constant },
        { location, range },
      );
      return;
    }
    const data = scaled.flatMap((coefficient, power) =>
      Array.from(which, (place) => {
        const { slope, jump } = sides[place]!;
        return reach * (jump * coefficient + (power === 0 ? slope : 0));
      }),
    );
    const constant = builder.constant(tensor([scaled.length, ...shape], data), hint);
    value = builder.add('nn.polynomial', [value], { coefficients: constant }, { location });
  });
  return builder.add('nn.mul', [u, value], {}, { location });
}
