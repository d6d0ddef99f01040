/** Why operators, or encrypted values in them, cannot be compiled, where more can be said than that. */

export interface Refusal {
  readonly reason: string;
  readonly wayOut: string;
}

const table: readonly (readonly [operators: string, refusal: Refusal])[] = [
  [
    'ConvInteger DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul',
    {
      reason: 'it computes with integers, and encrypted values are real numbers that do not round',
      wayOut:
        'export in the QDQ format: quantize_static(…, quant_format=QuantFormat.QDQ) of ONNX Runtime',
    },
  ],
  [
    'If Loop Scan SequenceMap',
    {
      reason: 'it is control flow, which cannot depend on encrypted values',
      wayOut: 'export without control flow: trace the model with a fixed input shape',
    },
  ],
  [
    'And Compress Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Mod NonMaxSuppression NonZero Not OneHot Or Unique Where Xor',
    {
      reason: 'it compares, and encrypted values cannot be compared',
      wayOut: 'move it behind the model, to the client, or replace it by a polynomial',
    },
  ],
  [
    'Ceil Floor Round Sign',
    {
      reason: 'it jumps from one value to the next, which no polynomial follows',
      wayOut:
        'move it behind the model, to the client; in front of it, train with a smooth function (Tanh for Sign, the identity for Round)',
    },
  ],
  [
    'BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor',
    {
      reason: 'it works on the bits of integers, and encrypted values are real numbers',
      wayOut: 'move it in front of the model or behind it, to the client',
    },
  ],
  [
    'GRU LSTM RNN',
    {
      reason:
        'it is a recurrent layer, whose activations follow one another and need a level each for every time step',
      wayOut:
        'unroll a few steps with Gemm and Sigmoid or Tanh, or use convolutions over the time axis (Conv in 1-D)',
    },
  ],
  [
    'GroupNormalization InstanceNormalization LayerNormalization MeanVarianceNormalization RMSNormalization',
    {
      reason: 'it divides by the root of a variance that depends on the encrypted input',
      wayOut:
        'use BatchNormalization, whose statistics are fixed after the training: nn.BatchNorm2d, then fine-tune',
    },
  ],
  [
    'LRN LpNormalization',
    {
      reason: 'it divides by a power of a sum that depends on the encrypted input',
      wayOut: 'use BatchNormalization, whose statistics are fixed after the training',
    },
  ],
  [
    'GlobalLpPool LpPool ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp',
    {
      reason: 'it needs a root, a logarithm or magnitudes of encrypted sums',
      wayOut: 'use a sum of squares (ReduceSumSquare), or GlobalAveragePool for the pools',
    },
  ],
  [
    'ReduceMax ReduceMin',
    {
      reason: 'it needs the largest of many encrypted values, a comparison for each',
      wayOut:
        'use ReduceMean and fine-tune, or move it behind the model, to the client (TopK, ArgMax)',
    },
  ],
  [
    'ReduceProd CumProd',
    {
      reason: 'it multiplies all elements of an axis with each other',
      wayOut: 'multiply the parts that matter with Mul',
    },
  ],
  [
    'GlobalMaxPool MaxRoiPool MaxUnpool',
    { reason: 'a maximum is no polynomial', wayOut: 'use GlobalAveragePool and fine-tune' },
  ],
  [
    'AffineGrid DeformConv GridSample RoiAlign',
    {
      reason: 'it reads at positions that are computed and rounded',
      wayOut: 'crop and resize in front of the model, or use Resize with constant factors',
    },
  ],
  [
    'Scatter ScatterElements ScatterND TensorScatter',
    {
      reason: 'it writes into a tensor at positions that are given by another',
      wayOut: 'build the tensor with Concat, Pad and Add',
    },
  ],
  [
    'CenterCropPad',
    {
      reason: 'it crops and pads to a shape of its own',
      wayOut: 'use Slice and Pad with constant positions',
    },
  ],
  [
    'Col2Im',
    {
      reason: 'it adds up overlapping blocks',
      wayOut: 'use ConvTranspose with a constant kernel, which does the same',
    },
  ],
  [
    'DFT STFT',
    {
      reason: 'it computes with complex numbers',
      wayOut: 'write it as MatMul with the constant matrices of cosines and sines',
    },
  ],
  [
    'Det',
    {
      reason: 'it divides by pivots that depend on the encrypted input',
      wayOut: 'write a small determinant out with Mul and Sub',
    },
  ],
  [
    'Attention LinearAttention RotaryEmbedding SwiGLU CausalConvWithState',
    {
      reason: 'it is a block of a transformer that is compiled as a whole nowhere',
      wayOut: 'export with opset_version=17, which writes it out; a Softmax inside stays refused',
    },
  ],
  [
    'Softmax LogSoftmax Hardmax TopK ArgMax ArgMin',
    {
      reason: 'it compares or divides, which the client does after decryption',
      wayOut: 'keep it at the end of the model',
    },
  ],
  [
    'Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike',
    {
      reason: 'it draws random numbers, and a plan gives the same answer to the same input',
      wayOut: 'export the model in inference mode (model.eval()), or make the numbers an input',
    },
  ],
  [
    'BlackmanWindow EyeLike HammingWindow HannWindow MelWeightMatrix',
    {
      reason: 'it makes a constant that is not computed here',
      wayOut: 'store its result as an initialiser: python -m onnxsim model.onnx simple.onnx',
    },
  ],
  [
    'ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence',
    {
      reason: 'it works on a sequence of tensors',
      wayOut: 'use Concat and Split on tensors',
    },
  ],
  [
    'Optional OptionalGetElement OptionalHasElement',
    {
      reason: 'it works on values that may be absent',
      wayOut: 'export the model for the values that it gets',
    },
  ],
  [
    'ImageDecoder RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer',
    {
      reason: 'it works on strings or files, and what is encrypted are numbers',
      wayOut: 'do it in front of the model, on the client',
    },
  ],
  [
    'NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss',
    {
      reason: 'it is a loss, which is of use in training alone',
      wayOut: 'export the model in inference mode, without its loss',
    },
  ],
  ['BitCast', { reason: 'it reads the bits of a number', wayOut: 'use Cast between floats' }],
];

const refusals = new Map(
  table.flatMap(([operators, refusal]) =>
    operators.split(' ').map((operator): [string, Refusal] => [operator, refusal]),
  ),
);

/** The operators that have a reason of their own. */
export const refusedOperators: ReadonlySet<string> = new Set(refusals.keys());

const domains: ReadonlyMap<string, Refusal> = new Map([
  [
    'ai.onnx.ml',
    {
      reason: 'it is an operator of classical machine learning, made of comparisons and tables',
      wayOut:
        'write linear models and scalers as Gemm (skl2onnx leaves them in the domain ai.onnx.ml); trees need comparisons',
    },
  ],
  [
    'ai.onnx.preview.training',
    { reason: 'it is an operator of training', wayOut: 'export the model in inference mode' },
  ],
  [
    'com.microsoft',
    {
      reason: 'it is an operator of ONNX Runtime alone, which its optimiser puts in',
      wayOut: 'compile the model as it was before ONNX Runtime optimised it',
    },
  ],
]);

/** Why an operator without an importer cannot be compiled; '' is the domain of ONNX itself. */
export function refusalOf(operator: string, domain = ''): Refusal {
  if (domain !== '' && domain !== 'ai.onnx') {
    return (
      domains.get(domain) ?? {
        reason: 'it belongs to another domain than that of ONNX',
        wayOut: 'export with standard operators',
      }
    );
  }
  return (
    refusals.get(operator) ?? {
      reason: 'there is no importer for it',
      wayOut: 'docs/operators lists the operators that can be compiled',
    }
  );
}
