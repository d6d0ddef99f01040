/** Two layers of a small transformer, as PyTorch exports them: what encrypted values cannot do yet. */
import { randomNumbers } from '../../src/passes/ranges/random.ts';
import { encodeModel, filled } from '../support/onnx-model.ts';
import type { TestNode, TestTensor } from '../support/onnx-model.ts';

const tokens = 8;
const features = 16;
const hidden = 32;

export function transformerModel(): Uint8Array<ArrayBuffer> {
  const random = randomNumbers(7);
  const nodes: TestNode[] = [];
  const initializers: Record<string, TestTensor> = {};
  const valueInfo: Record<string, readonly number[]> = {};
  const weights = (name: string, dims: readonly number[]): string => {
    initializers[name] = filled(dims, random, -0.3, 0.3);
    return name;
  };
  const node = (
    op: string,
    name: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: TestNode['attributes'] = {},
  ): string => {
    const output = `${name}_output_0`;
    nodes.push({ op, name, inputs, outputs: [output], attributes });
    valueInfo[output] = [1, ...shape];
    return output;
  };
  let x = 'tokens';
  for (const layer of ['/layers.0', '/layers.1']) {
    const dense = (name: string, from: string, [rows, columns]: readonly [number, number]) =>
      node(
        'MatMul',
        `${layer}/${name}/MatMul`,
        [from, weights(`${layer}.${name}.weight`, [rows, columns])],
        [tokens, columns],
      );
    const [q, k, v] = ['q', 'k', 'v'].map((name) =>
      dense(`attention/${name}`, x, [features, features]),
    );
    const turned = node('Transpose', `${layer}/attention/Transpose`, [k!], [features, tokens], {
      perm: [0, 2, 1],
    });
    const scores = node('MatMul', `${layer}/attention/MatMul`, [q!, turned], [tokens, tokens]);
    const shares = node('Softmax', `${layer}/attention/Softmax`, [scores], [tokens, tokens]);
    const mixed = node('MatMul', `${layer}/attention/MatMul_1`, [shares, v!], [tokens, features]);
    const added = node('Add', `${layer}/Add`, [x, mixed], [tokens, features]);
    const normed = node(
      'LayerNormalization',
      `${layer}/norm/LayerNormalization`,
      [
        added,
        weights(`${layer}.norm.weight`, [features]),
        weights(`${layer}.norm.bias`, [features]),
      ],
      [tokens, features],
    );
    const up = dense('up', normed, [features, hidden]);
    const active = node('Gelu', `${layer}/Gelu`, [up], [tokens, hidden]);
    x = dense('down', active, [hidden, features]);
  }
  return encodeModel({
    opset: 20,
    inputs: { tokens: [1, tokens, features] },
    outputs: [x],
    nodes,
    initializers,
    valueInfo,
  });
}
