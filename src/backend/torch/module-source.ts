/** The text of a PyTorch module, from the parts that a network gives. */
import { polynomialSource } from './polynomial-source.ts';
import { pythonString, pythonTuple } from './python-literals.ts';

export interface ModuleParts {
  readonly producer: string;
  readonly inputs: readonly TorchTensor[];
  readonly outputs: readonly TorchOutput[];
  /** Whether there may be any number of images. */
  readonly batched: boolean;
  /** Statements of the constructor and of `forward`. */
  readonly members: readonly string[];
  readonly statements: readonly string[];
}

export interface TorchTensor {
  readonly name: string;
  readonly variable: string;
  readonly shape: readonly number[];
}

export interface TorchOutput {
  readonly name: string;
  /** What `forward` returns. */
  readonly variable: string;
  /** What becomes of it after decryption, given the name of a variable; null where nothing does. */
  readonly answer: ((variable: string) => string) | null;
}

const imports = `from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn`;

export function moduleSource(parts: ModuleParts): string {
  const { producer, inputs, outputs, members, statements } = parts;
  const parameters = ['self', ...inputs.map(({ variable }) => variable)].join(', ');
  const hasAnswers = outputs.some(({ answer }) => answer !== null);
  const network = [
    'class Network(nn.Module):',
    ...indented([
      'def __init__(self, weights=Path(__file__).with_suffix(".npz")):',
      ...indented([
        'super().__init__()',
        'w = {name: torch.from_numpy(value) for name, value in np.load(weights).items()}',
        ...members,
      ]),
      '',
      `def forward(${parameters}):`,
      ...indented([...statements, `return ${together(outputs.map(({ variable }) => variable))}`]),
    ]),
  ];
  const sections = [
    [`# Written by ${producer}, export-torch; weights in the .npz file of the same name.`],
    documentation(parts),
    ['', imports],
    ['', '', polynomialSource],
    ['', '', ...network],
    ...(hasAnswers ? [['', '', ...answerClass(outputs)]] : []),
    ['', '', ...exportFunction(inputs, outputs, hasAnswers)],
  ];
  return `${sections.flat().join('\n')}\n`;
}

function documentation({ inputs, batched, outputs }: ModuleParts): string[] {
  const shapes = inputs.map(({ variable, shape }) => {
    const own = batched ? ['images', ...shape.slice(1)] : shape;
    return `${variable} [${own.join(', ')}]`;
  });
  const later = outputs.some(({ answer }) => answer !== null)
    ? ['What a client does after decryption is in Answer.']
    : [];
  return [
    '"""A network with polynomials in the place of its activations, to be trained further.',
    '',
    `Network()(${inputs.map(({ variable }) => variable).join(', ')}) takes ${shapes.join(', ')}, and returns what is`,
    `computed on ciphertexts.${batched ? '' : ' One image at a time: an operation mixes the first axis with others.'}`,
    ...later,
    '"""',
  ];
}

/** The network with the steps of the client, which the model ended with. */
function answerClass(outputs: readonly TorchOutput[]): string[] {
  const variables = outputs.map((_, k) => `y${k}`);
  const results = outputs.map(({ answer }, k) => answer?.(variables[k]!) ?? variables[k]!);
  return [
    'class Answer(nn.Module):',
    ...indented([
      'def __init__(self, network):',
      ...indented(['super().__init__()', 'self.network = network']),
      '',
      'def forward(self, *inputs):',
      ...indented([
        `${variables.join(', ')} = self.network(*inputs)`,
        `return ${together(results)}`,
      ]),
    ]),
  ];
}

function exportFunction(
  inputs: readonly TorchTensor[],
  outputs: readonly TorchOutput[],
  hasAnswers: boolean,
): string[] {
  const names = (list: readonly { readonly name: string }[]): string =>
    `[${list.map(({ name }) => pythonString(name)).join(', ')}]`;
  const zeros = inputs.map(({ shape }) => `torch.zeros(${pythonTuple(shape)}, device=device)`);
  return [
    'def export_onnx(network, file):',
    ...indented([
      '"""Write the network as ONNX; polynomials become Mul and Add, which cipherloom takes as they are."""',
      'device = next(network.parameters(), torch.zeros(())).device',
      'training = network.training',
      'torch.onnx.export(',
      ...indented([
        hasAnswers ? 'Answer(network).eval(),' : 'network.eval(),',
        `${pythonTuple(zeros)},`,
        'str(file),',
        `input_names=${names(inputs)},`,
        `output_names=${names(outputs)},`,
        'opset_version=17,',
        'dynamo=False,',
      ]),
      ')',
      'network.train(training)',
    ]),
  ];
}

function together(items: readonly string[]): string {
  return items.length === 1 ? items[0]! : pythonTuple(items);
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `    ${line}`));
}
