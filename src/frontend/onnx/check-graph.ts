/** Rules of an ONNX graph that importers rely on: one producer per value, no cycle, nothing dangling. */
import { CipherloomError } from '../../errors.ts';
import type { OnnxGraph, OnnxNode } from './model.ts';
import { printable, quoted } from '../printable.ts';

/** A node with its printable name. */
export interface NamedNode {
  readonly node: OnnxNode;
  readonly name: string;
  /** Whether an output of the model depends on it. */
  readonly live: boolean;
}

/**
 * Check a graph and put its nodes in execution order; a file that is in order keeps its order.
 *
 * Throws MODEL_INVALID naming the edge: cycles, inputs that nothing makes, outputs that nothing
 * makes, values made twice, names that cannot be printed.
 */
export function orderNodes(graph: OnnxGraph): NamedNode[] {
  const names = graph.nodes.map(nameOf);
  const producer = new Map<string, number | 'input' | 'initializer'>();
  const claim = (value: string, by: number | 'input' | 'initializer'): void => {
    const other = producer.get(value);
    if (other !== undefined) {
      fail(`${quoted(value)} is made twice: by ${describe(other)} and by ${describe(by)}`, value);
    }
    producer.set(value, by);
  };
  const describe = (by: number | 'input' | 'initializer'): string =>
    typeof by === 'number' ? `node ${quoted(names[by]!)}` : `an ${by}`;

  for (const { name } of graph.initializers) claim(name, 'initializer');
  const inputs = new Set<string>();
  for (const { name } of graph.inputs) {
    if (inputs.has(name)) fail(`the input ${quoted(name)} is declared twice`, name);
    inputs.add(name);
    // Before IR version 4 initialisers are listed among the inputs too.
    if (producer.get(name) !== 'initializer') claim(name, 'input');
  }
  graph.nodes.forEach((node, n) => {
    for (const output of node.outputs) if (output !== '') claim(output, n);
  });
  graph.nodes.forEach((node, n) => {
    for (const input of node.inputs) {
      if (input !== '' && !producer.has(input)) {
        fail(`node ${quoted(names[n]!)} reads ${quoted(input)}, which nothing makes`, names[n]!);
      }
    }
  });
  if (graph.outputs.length === 0) fail('the graph has no outputs', graph.name);
  const outputs = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!producer.has(name)) fail(`nothing makes the output ${quoted(name)}`, name);
    if (outputs.has(name)) fail(`the output ${quoted(name)} is declared twice`, name);
    outputs.add(name);
  }
  for (const name of [...inputs, ...outputs]) checkName(name);

  const producersOf = (node: OnnxNode): number[] =>
    node.inputs.map((input) => producer.get(input)).filter((by) => typeof by === 'number');
  const order = depthFirst(graph.nodes, producersOf, (from, to) => {
    const edge =
      graph.nodes[to]!.outputs.find((output) => graph.nodes[from]!.inputs.includes(output)) ?? '';
    fail(
      `the graph has a cycle: node ${quoted(names[from]!)} reads ${quoted(edge)} of node ${quoted(names[to]!)}, which depends on it`,
      names[from]!,
    );
  });

  const live = new Uint8Array(graph.nodes.length);
  for (const name of outputs) {
    const by = producer.get(name);
    if (typeof by === 'number') live[by] = 1;
  }
  for (const n of order.toReversed()) {
    if (live[n] === 1) for (const by of producersOf(graph.nodes[n]!)) live[by] = 1;
  }
  return order.map((n) => ({
    node: graph.nodes[n]!,
    name: printable(names[n]!),
    live: live[n] === 1,
  }));
}

function fail(message: string, node: string): never {
  throw new CipherloomError('MODEL_INVALID', message, {
    phase: 'frontend',
    node: printable(node),
    hint: 'check the file: python -m onnx.checker',
  });
}

function nameOf(node: OnnxNode, index: number): string {
  const given = [node.name, ...node.outputs].find((name) => name !== '');
  return given ?? `${node.operator}_${index}`;
}

/** Inputs and outputs are typed by users: their names must be printable and short. */
function checkName(name: string): void {
  if (name === '' || name.length > 200 || printable(name) !== name) {
    fail(
      `${quoted(name)} cannot name an input or an output: use 1 to 200 printable characters`,
      name,
    );
  }
}

/** Post-order of a graph without recursion; `onCycle` gets the edge that closes a cycle. */
function depthFirst(
  nodes: readonly OnnxNode[],
  producersOf: (node: OnnxNode) => number[],
  onCycle: (from: number, to: number) => never,
): number[] {
  const order: number[] = [];
  const state = new Uint8Array(nodes.length); // 0 new, 1 on the stack, 2 done
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== 0) continue;
    state[root] = 1;
    const stack = [{ n: root, producers: producersOf(nodes[root]!), next: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const producer = top.producers[top.next++];
      if (producer === undefined) {
        state[top.n] = 2;
        order.push(top.n);
        stack.pop();
      } else if (state[producer] === 1) {
        onCycle(top.n, producer);
      } else if (state[producer] === 0) {
        state[producer] = 1;
        stack.push({ n: producer, producers: producersOf(nodes[producer]!), next: 0 });
      }
    }
  }
  return order;
}
