/** Why operators without an importer cannot be compiled, where more can be said than that. */
import { approximatedOperators } from './activations.ts';

export interface Refusal {
  readonly reason: string;
  readonly wayOut: string;
}

const table: readonly (readonly [operators: string, refusal: Refusal])[] = [
  [
    'Celu Clip Elu Erf Exp Gelu HardSigmoid HardSwish Mish PRelu Selu Softplus Softsign Swish ThresholdedRelu',
    {
      reason: 'it is an activation that is not approximated yet',
      wayOut: `use ${approximatedOperators.slice(0, -1).join(', ')} or ${approximatedOperators.at(-1)!}, or a polynomial (x², a·x²+b·x+c)`,
    },
  ],
  [
    'ConvInteger DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul',
    {
      reason: 'it computes with integers, and encrypted values are real numbers that do not round',
      wayOut:
        'export in the QDQ format: quantize_static(…, quant_format=QuantFormat.QDQ) of ONNX Runtime',
    },
  ],
  [
    'If Loop Scan',
    {
      reason: 'it is control flow, which cannot depend on encrypted values',
      wayOut: 'export without control flow: trace the model with a fixed input shape',
    },
  ],
  [
    'Abs And ArgMin Ceil Equal Floor Greater GreaterOrEqual Less LessOrEqual Max Min Mod NonZero Not Or Round Sign TopK Where Xor',
    {
      reason: 'it compares or rounds, which encrypted values cannot',
      wayOut: 'move it behind the model, to the client, or replace it by a polynomial',
    },
  ],
  [
    'GRU LSTM RNN',
    {
      reason: 'it is a recurrent layer',
      wayOut: 'unroll it, with activations that can be approximated',
    },
  ],
  [
    'GlobalLpPool InstanceNormalization LayerNormalization Log LpNormalization LpPool Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMin Sqrt',
    {
      reason: 'it needs a root, a logarithm, a quotient or a maximum of encrypted values',
      wayOut: 'use BatchNormalization with fixed statistics, or a polynomial',
    },
  ],
  [
    'ReduceProd',
    {
      reason: 'it multiplies all elements of an axis with each other',
      wayOut: 'multiply the parts that matter with Mul',
    },
  ],
  [
    'GlobalMaxPool MaxRoiPool',
    { reason: 'a maximum is no polynomial', wayOut: 'use GlobalAveragePool and fine-tune' },
  ],
];

const refusals = new Map(
  table.flatMap(([operators, refusal]) =>
    operators.split(' ').map((operator): [string, Refusal] => [operator, refusal]),
  ),
);

export function refusalOf(operator: string): Refusal {
  return (
    refusals.get(operator) ?? {
      reason: 'there is no importer for it',
      wayOut: 'docs/operators lists the operators that can be compiled',
    }
  );
}
