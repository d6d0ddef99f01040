/** Random small networks of several inputs and outputs, as ONNX models. */
import { elementCount } from '../../src/layout/layout.ts';
import { filled } from './onnx-model.ts';
import type { TestModel, TestNode, TestTensor } from './onnx-model.ts';
import { randomSource } from './random.ts';

export interface RandomNetwork {
  readonly model: TestModel;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** Shape of every tower's last layer, where the towers meet. */
const width = 5;

const inputShapes = [
  [1, 6],
  [1, 1, 4, 4],
  [1, 2, 3],
  [1, 9],
] as const;

/**
 * Two or three towers of linear layers and squares meet by sum, product, difference or concatenation.
 *
 * The outputs: the last value, one from inside, perhaps an input, perhaps a value a second time. Where
 * inputs are no outputs, none depends on a single input.
 */
export function randomNetwork(
  seed: number,
  { inputsAreOutputs = true }: { readonly inputsAreOutputs?: boolean } = {},
): RandomNetwork {
  const random = randomSource(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const initializers: Record<string, TestTensor> = {};
  const nodes: TestNode[] = [];
  const inputs: Record<string, readonly number[]> = {};
  let count = 0;
  const node = (
    op: string,
    operands: readonly string[],
    attributes: NonNullable<TestNode['attributes']> = {},
  ): string => {
    const output = `v${count++}`;
    nodes.push({ op, inputs: operands, outputs: [output], attributes });
    return output;
  };
  const weights = (dims: readonly number[], bound: number): string => {
    const name = `w${count++}`;
    initializers[name] = filled(dims, random, -bound, bound);
    return name;
  };
  const dense = (x: string, from: number, to: number): string =>
    node('Gemm', [x, weights([from, to], 1.5 / Math.sqrt(from)), weights([to], 0.5)]);

  const towers = Array.from({ length: random() < 0.5 ? 2 : 3 }, (_, k) => {
    const shape = pick(inputShapes);
    inputs[`x${k}`] = shape;
    const flat = node('Flatten', [`x${k}`]);
    const tower = dense(flat, elementCount(shape), width);
    return random() < 0.5 ? node('Mul', [tower, tower]) : tower;
  });
  const meeting = towers.reduce((a, b) => node(pick(['Add', 'Sub', 'Mul']), [a, b]));
  const last =
    random() < 0.5
      ? dense(meeting, width, 3)
      : dense(node('Concat', [meeting, towers[0]!], { axis: 1 }), 2 * width, 2);
  const ends = [last, inputsAreOutputs ? pick([...towers, meeting]) : meeting];
  if (inputsAreOutputs && random() < 0.5) ends.push(pick(Object.keys(inputs)));
  if (random() < 0.5) ends.push(ends[0]!);
  const outputs = ends.map((end) => node('Identity', [end]));
  return { model: { inputs, outputs, initializers, nodes }, inputs };
}
