/** The larger or smaller of values, by way of ReLU. */
import type { Tensor } from '../../ir/tensor.ts';
import { activationNote, applied } from './activations.ts';
import { addConstant } from './arithmetic.ts';
import type { DataValue, ImportContext, Importer } from '../define-importer.ts';
import { variadicOfConstants, zipConstants } from './elementwise-constants.ts';

function negated({ shape, data }: Tensor): Tensor {
  return { shape, data: data.map((value) => -value) };
}

/** The larger of x and a constant: relu(x − c) + c. */
export function largerOf(x: DataValue, constant: Tensor, context: ImportContext): DataValue {
  const shifted = addConstant(x, negated(constant), context);
  return addConstant(applied('relu', {}, shifted, context), constant, context);
}

/** The smaller of x and a constant: c − relu(c − x). */
export function smallerOf(x: DataValue, constant: Tensor, context: ImportContext): DataValue {
  const shifted = addConstant(context.add('nn.negate', [x]), constant, context);
  const excess = applied('relu', {}, shifted, context);
  return addConstant(context.add('nn.negate', [excess]), constant, context);
}

interface Extreme {
  /** Of two numbers. */
  readonly combine: (x: number, y: number) => number;
  /** Of a value and a constant. */
  readonly withConstant: typeof largerOf;
  /** Of two values: the first plus or minus relu of how far the second is beyond it. */
  readonly beyond: (a: DataValue, b: DataValue, context: ImportContext) => DataValue;
}

const larger: Extreme = {
  combine: Math.max,
  withConstant: largerOf,
  beyond(a, b, context) {
    const excess = applied('relu', {}, context.add('nn.sub', [b, a]), context);
    return context.add('nn.add', [a, excess]);
  },
};

const smaller: Extreme = {
  combine: Math.min,
  withConstant: smallerOf,
  beyond(a, b, context) {
    const excess = applied('relu', {}, context.add('nn.sub', [a, b]), context);
    return context.add('nn.sub', [a, excess]);
  },
};

/** Max or Min of any number of values and constants. */
export function extremeOperator(operator: 'Max' | 'Min', summary: string): Importer {
  const { refusal: _, ...constants } = variadicOfConstants(
    operator,
    summary,
    operator === 'Max' ? Math.max : Math.min,
  );
  const { combine, withConstant, beyond } = operator === 'Max' ? larger : smaller;
  return {
    ...constants,
    inputs: [{ name: 'data_0', doc: 'tensors that broadcast together', form: 'either' }],
    lowersTo:
      '`nn.activation` relu of the difference for each value beyond the first, which approximate-activations replaces by a polynomial; a constant of constants.',
    notes: [activationNote],
    import(context) {
      const bounds = context.inputs.flatMap((input) =>
        input?.kind === 'constant' ? [input.tensor] : [],
      );
      const [first, ...others] = context.inputs.flatMap((input) =>
        input?.kind === 'data' ? [input] : [],
      ) as [DataValue, ...DataValue[]];
      const data = others.reduce(
        (a, b) => (a.value === b.value ? a : beyond(a, b, context)),
        first,
      );
      const [bound, ...more] = bounds;
      if (bound === undefined) return data;
      const constant = more.reduce((a, b) => zipConstants(a, b, combine, context), bound);
      if (!constant.data.every(Number.isFinite)) context.invalid('a constant of it is not finite');
      return withConstant(data, constant, context);
    },
  };
}
