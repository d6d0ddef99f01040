/** Models of one operator that picks elements of an axis, one case for each output. */
import type { TestAttribute, TestTensor } from '../support/onnx-model.ts';
import type { ImporterCase } from './importer-cases.ts';

interface Use {
  readonly opset: number;
  readonly shape: readonly number[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly k?: TestTensor;
}

function of(op: string, outputs: readonly string[], int64: boolean, use: Use): ImporterCase {
  const { opset, shape, attributes = {}, k } = use;
  return {
    title: `opset ${opset} [${shape.join(',')}] ${JSON.stringify(attributes)} ${outputs.join(' ')}`,
    model: {
      opset,
      inputs: { x: shape },
      outputs: ['y'],
      outputType: int64 ? 'int64' : 'float32',
      initializers: k === undefined ? {} : { k },
      nodes: [{ op, inputs: k === undefined ? ['x'] : ['x', 'k'], outputs, attributes }],
    },
  };
}

function topK(use: Use): ImporterCase[] {
  return [of('TopK', ['y', 'i'], false, use), of('TopK', ['v', 'y'], true, use)];
}

const three: TestTensor = { dims: [1], type: 'int64', data: [3] };

export const selectionCases: Readonly<Record<string, readonly ImporterCase[]>> = {
  ArgMin: [
    of('ArgMin', ['y'], true, { opset: 7, shape: [1, 5, 3] }),
    of('ArgMin', ['y'], true, {
      opset: 13,
      shape: [1, 5, 3],
      attributes: { axis: -2, keepdims: 0 },
    }),
  ],
  Hardmax: [
    of('Hardmax', ['y'], false, { opset: 13, shape: [1, 5, 3] }),
    of('Hardmax', ['y'], false, { opset: 13, shape: [1, 5, 3], attributes: { axis: 1 } }),
    of('Hardmax', ['y'], false, { opset: 11, shape: [1, 5, 3] }),
  ],
  TopK: [
    ...topK({ opset: 7, shape: [1, 8], attributes: { k: 2 } }),
    ...topK({ opset: 10, shape: [1, 8], k: three }),
    ...topK({ opset: 13, shape: [1, 6, 2], k: three, attributes: { axis: 1 } }),
    ...topK({ opset: 13, shape: [1, 2, 5], k: three, attributes: { largest: 0, sorted: 1 } }),
  ],
};
