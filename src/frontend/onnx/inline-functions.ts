/** Functions that a model defines, put in the place of the nodes that call them. */
import { CipherloomError } from '../../errors.ts';
import type { OnnxAttribute, OnnxFunction, OnnxModel, OnnxNode } from './model.ts';
import { printable, quoted } from '../printable.ts';

const limits = {
  /** Nodes after inlining: functions that call each other twice a level grow exponentially. */
  nodes: 2 ** 16,
  /** Functions inside functions. */
  nesting: 64,
  /** Characters that a made name takes of each other one; names of a file may be a megabyte each. */
  name: 100,
} as const;

/**
 * The model without calls of its own functions.
 *
 * Values and nodes of a function are named after the node that calls it. Throws MODEL_INVALID for
 * functions that call themselves and calls that do not fit, RESOURCE_LIMIT for more than 65536 nodes.
 */
export function inlineFunctions(model: OnnxModel): OnnxModel {
  if (model.functions.length === 0) return model;
  const functions = new Map(model.functions.map((each) => [keyOf(each.domain, each.name), each]));
  const freshName = nameMaker(model);
  const nodes: OnnxNode[] = [];
  let visited = 0;

  /** Append a node, or the nodes of the function that it calls. */
  const append = (node: OnnxNode, stack: readonly OnnxFunction[]): void => {
    if (++visited > limits.nodes) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `node ${quoted(node.name)}: functions put inline make more than ${limits.nodes} nodes`,
        { phase: 'frontend', node: printable(node.name), details: { limit: limits.nodes } },
      );
    }
    const called = functions.get(keyOf(node.domain, node.operator));
    if (called === undefined) {
      nodes.push(node);
      return;
    }
    checkCall(node, called, stack);
    for (const inner of bodyOf(node, called, freshName)) append(inner, [...stack, called]);
  };
  for (const node of model.graph.nodes) append(node, []);
  return { ...model, graph: { ...model.graph, nodes } };
}

function keyOf(domain: string, name: string): string {
  return `${domain}.${name}`;
}

function fail(node: OnnxNode, reason: string, hint?: string): never {
  throw new CipherloomError('MODEL_INVALID', `node ${quoted(node.name)}: ${reason}`, {
    phase: 'frontend',
    node: printable(node.name),
    hint,
  });
}

function checkCall(node: OnnxNode, called: OnnxFunction, stack: readonly OnnxFunction[]): void {
  const name = quoted(keyOf(called.domain, called.name));
  if (stack.includes(called)) {
    const circle = [...stack.slice(stack.indexOf(called)), called];
    const text = circle.map((each) => quoted(keyOf(each.domain, each.name))).join(' → ');
    fail(node, `functions call each other in a circle: ${text}`);
  }
  if (stack.length >= limits.nesting)
    fail(node, `functions are nested deeper than ${limits.nesting}`);
  if (node.inputs.length > called.inputs.length || node.outputs.length > called.outputs.length) {
    fail(
      node,
      `it has ${node.inputs.length} inputs and ${node.outputs.length} outputs, the function ${name} has ${called.inputs.length} and ${called.outputs.length}`,
    );
  }
  for (const attribute of node.attributes.keys()) {
    if (!called.attributes.has(attribute)) {
      fail(node, `the function ${name} has no attribute ${quoted(attribute)}`);
    }
  }
}

/** The nodes of a function with the names and attributes of a call. */
function bodyOf(
  call: OnnxNode,
  called: OnnxFunction,
  freshName: (base: string) => string,
): OnnxNode[] {
  const caller = call.name === '' ? (call.outputs.find((each) => each !== '') ?? '') : call.name;
  const inside = (name: string): string =>
    freshName(`${caller.slice(-limits.name)}/${name.slice(-limits.name)}`);
  const names = new Map([['', '']]);
  called.inputs.forEach((input, n) => names.set(input, call.inputs[n] ?? ''));
  const passedOn: OnnxNode[] = [];
  called.outputs.forEach((output, n) => {
    const target = call.outputs[n] ?? '';
    const source = names.get(output);
    if (source === undefined) names.set(output, target === '' ? inside(output) : target);
    else if (target !== '') passedOn.push(identity(inside(output), source, target));
  });
  for (const output of called.nodes.flatMap((node) => node.outputs)) {
    if (!names.has(output)) names.set(output, inside(output));
  }
  const nameOf = (value: string): string =>
    names.get(value) ??
    fail(
      call,
      `the function ${quoted(keyOf(called.domain, called.name))} reads ${quoted(value)}, which nothing in it makes`,
    );
  const opset = called.opsets.get('') ?? call.opset;
  const nodes = called.nodes.map((node): OnnxNode => ({
    ...node,
    name: node.name === '' ? '' : inside(node.name),
    inputs: node.inputs.map(nameOf),
    outputs: node.outputs.map(nameOf),
    attributes: resolved(node, call, called),
    ...(opset === undefined ? {} : { opset }),
  }));
  return [...nodes, ...passedOn];
}

function identity(name: string, input: string, output: string): OnnxNode {
  const attributes = new Map<string, OnnxAttribute>();
  return { name, operator: 'Identity', domain: '', inputs: [input], outputs: [output], attributes };
}

/** Attributes with references replaced by what the call gives, or by the function's default. */
function resolved(
  node: OnnxNode,
  call: OnnxNode,
  called: OnnxFunction,
): ReadonlyMap<string, OnnxAttribute> {
  const attributes = new Map<string, OnnxAttribute>();
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind !== 'reference') {
      attributes.set(name, attribute);
      continue;
    }
    if (!called.attributes.has(attribute.value)) {
      fail(
        call,
        `the function ${quoted(keyOf(called.domain, called.name))} has no attribute ${quoted(attribute.value)}, which its node ${quoted(node.name)} refers to`,
      );
    }
    // Without a value the attribute is absent, and the operator's own default holds.
    const value = call.attributes.get(attribute.value) ?? called.attributes.get(attribute.value);
    if (value !== undefined && value !== null) attributes.set(name, value);
  }
  return attributes;
}

/** Names that nothing in the graph has yet. */
function nameMaker({ graph }: OnnxModel): (base: string) => string {
  const taken = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap((node) => [node.name, ...node.outputs]),
  ]);
  const counts = new Map<string, number>();
  return (base) => {
    let name = base;
    while (taken.has(name)) {
      const count = (counts.get(base) ?? 1) + 1;
      counts.set(base, count);
      name = `${base}.${count}`;
    }
    taken.add(name);
    return name;
  };
}
