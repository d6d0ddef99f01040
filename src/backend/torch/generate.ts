/** A PyTorch module for a network whose activations are polynomials already. */
import { numbersOf, textOf } from '../../ir/attribute-values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { PassNote } from '../../passes/define-pass.ts';
import { answerExpression } from './answer-steps.ts';
import { keepsBatchAxis } from './batch-axis.ts';
import { moduleSource, type TorchTensor } from './module-source.ts';
import { scaledCoefficients } from './polynomial-source.ts';
import { pythonNumber, pythonString } from './python-literals.ts';
import { pythonNames } from './python-names.ts';
import { notInTorch } from './refuse.ts';
import { torchExpression, type TorchContext } from './torch-operations.ts';

export interface TorchModule {
  /** The Python file. */
  readonly source: string;
  /** What it reads from the archive beside it, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Whether `forward` takes any number of images; else one, in its own shape. */
  readonly batched: boolean;
  readonly polynomials: number;
}

export interface TorchRequest {
  readonly producer: string;
  /** Of the passes: where polynomials were fitted. */
  readonly notes: readonly PassNote[];
}

/**
 * Write an nn program, after approximate-activations, as PyTorch.
 *
 * Throws MODEL_UNSUPPORTED naming the node: for public inputs, and where PyTorch has nothing for it
 */
export function generateTorch(program: Program, { producer, notes }: TorchRequest): TorchModule {
  refusePublicInputs(program);
  const batched = keepsBatchAxis(program);
  const members = memberTable();
  const ranges = fitRanges(notes);
  const variableOf = pythonNames();
  const variables: string[] = [];
  const inputs: TorchTensor[] = [];
  const statements: string[] = [];
  for (const operation of program.operations) {
    if (operation.op === 'nn.input') {
      const name = textOf(operation, 'name');
      const variable = variableOf(name, 'x');
      variables.push(variable);
      inputs.push({ name, variable, shape: numbersOf(operation, 'shape') });
      continue;
    }
    const place = operation.location ?? operation.op;
    const operands = operation.operands.map((operand) => variables[operand]!);
    const context: TorchContext = {
      program,
      batched,
      operands,
      x: operands[0] ?? '',
      parameter: (tensor, hint) => members.parameter(tensor, `${place} ${hint}`),
      buffer: (tensor, hint) => members.buffer(tensor, `${place} ${hint}`),
      polynomial: (coefficients, range) => members.polynomial(coefficients, range, place),
      fitRange: ranges.get(operation.location ?? '') ?? null,
    };
    const expression = torchExpression(operation, context);
    const variable = variableOf(place, 'v');
    variables.push(variable);
    statements.push(`${variable} = ${expression}`);
  }
  const outputs = program.outputs.map((output) => ({
    name: output.name,
    variable: variables[output.value]!,
    answer:
      output.postprocess.length === 0
        ? null
        : answerExpression(output, operationOf(program, output.value)),
  }));
  const source = moduleSource({
    producer,
    inputs,
    outputs,
    batched,
    members: members.statements,
    statements,
  });
  return { source, weights: members.weights, batched, polynomials: members.polynomials() };
}

/** The members of the class: each tensor once, though several operations may read it. */
function memberTable() {
  const nameOf = pythonNames();
  const weights = new Map<string, Tensor>();
  const statements: string[] = [];
  const known = new Map<Tensor, string>();
  let polynomials = 0;
  const once = (tensor: Tensor, text: string, make: (name: string) => string): string => {
    const earlier = known.get(tensor);
    if (earlier !== undefined) return earlier;
    const name = nameOf(text, 'weights');
    weights.set(name, tensor);
    statements.push(make(name));
    known.set(tensor, `self.${name}`);
    return `self.${name}`;
  };
  const read = (name: string): string => `w[${pythonString(name)}]`;
  return {
    weights,
    statements,
    polynomials: () => polynomials,
    parameter: (tensor: Tensor, text: string) =>
      once(tensor, text, (name) => `self.${name} = nn.Parameter(${read(name)})`),
    buffer: (tensor: Tensor, text: string) =>
      once(tensor, text, (name) => `self.register_buffer(${pythonString(name)}, ${read(name)})`),
    polynomial(coefficients: Tensor, range: readonly [number, number], text: string) {
      polynomials++;
      return once(scaledCoefficients(coefficients, range), text, (name) => {
        const bounds = range.map(pythonNumber).join(', ');
        return `self.${name} = Polynomial(${read(name)}, ${bounds})`;
      });
    },
  };
}

function fitRanges(notes: readonly PassNote[]): Map<string, readonly [number, number]> {
  return new Map(
    notes.flatMap((note) =>
      note.kind === 'approximation' && note.node !== null ? [[note.node, note.range] as const] : [],
    ),
  );
}

function refusePublicInputs(program: Program): void {
  const { operations, publicPart } = program;
  const input = [...operations, ...(publicPart?.operations ?? [])].find(
    ({ op, attributes }) => op === 'nn.input' && (attributes.public === true || publicPart),
  );
  if (publicPart === undefined && input?.attributes.public !== true) return;
  throw notInTorch(
    input ?? operations[0]!,
    'it depends on inputs that the server knows in the clear',
    'leave --public-input away: what is trained is the same network',
  );
}
