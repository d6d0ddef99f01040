/** Mutations of the decoded protobuf: files that are well formed and mean something else. */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { importers } from '../../src/frontend/importers/index.ts';
import { pick, whole, type Random } from './random-choice.ts';

export type ModelMutation = (model: onnx.ModelProto, random: Random) => void;

const numbers = [
  ...[0, 1, -1, 2, 3, 7, 16, 64, -2, 255, 1024, 65536],
  ...[2 ** 24, 2 ** 28, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 40, 2 ** 53],
  ...[2 ** 62, -(2 ** 62), 2 ** 63 - 1024, -(2 ** 63)],
] as const;

const floats = [0, 1, -1, 0.5, 1e-30, -1e30, 3.4e38, Infinity, -Infinity, NaN] as const;

const names = [
  ...['', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'x', 'y', 'input'],
  ...[
    '\u001b[2J\u001b[31mred',
    'a\nb\r\tc',
    '\u202egnp.exe',
    '\ud800',
    '\0',
    '<script>alert(1)',
    '𝔘',
  ],
  ...['a'.repeat(300), '%s%n', '../../etc/passwd', '${process}', '@c', '%1', '"quoted"', "it's"],
] as const;

const locations = [
  ...['../../etc/passwd', '/etc/passwd', 'a/../../b', 'C:\\x', '', '.', 'weights.bin', '\0'],
  ...['x'.repeat(5000), '/dev/zero', '/proc/self/mem', '*/_ORT_MEM_ADDR_/*'],
] as const;

const operators = [
  ...importers.map(({ operator }) => operator),
  ...['If', 'Loop', 'Scan', 'LSTM', 'NonZero', 'QLinearConv', 'TopK', 'StringNormalizer', ''],
  ...['__proto__', 'constructor', 'Relu\u001b[2J'],
];

const attributeNames = [
  ...new Set(importers.flatMap(({ attributes }) => Object.keys(attributes))),
  '__proto__',
  'nonsense',
];

function someInteger(random: Random): number {
  return random() < 0.6 ? pick(random, numbers) : whole(random, 12) - 3;
}

function someFloat(random: Random): number {
  return random() < 0.5 ? pick(random, floats) : 4 * random() - 2;
}

/** Change one element, drop one, add one, or put them in another order. */
function changeList<T>(list: T[], random: Random, make: () => T): void {
  const at = whole(random, list.length);
  const action = whole(random, 5);
  if (action === 0 && list.length > 0) list.splice(at, 1);
  else if (action === 1 && list.length > 0) list.splice(at, 0, list[at]!);
  else if (action === 2 || list.length === 0) list.splice(at, 0, make());
  else if (action === 3) list.reverse();
  else list[at] = make();
}

function tensorsOf(model: onnx.ModelProto): onnx.ITensorProto[] {
  const attributes = nodesOf(model).flatMap(({ attribute }) => attribute ?? []);
  return [
    ...(model.graph?.initializer ?? []),
    ...attributes.flatMap(({ t }) => (t === null || t === undefined ? [] : [t])),
  ];
}

function nodesOf(model: onnx.ModelProto): onnx.INodeProto[] {
  return model.graph?.node ?? [];
}

/** Names of all values. */
function valuesOf(model: onnx.ModelProto): string[] {
  const { graph } = model;
  return [
    ...(graph?.input ?? []).map(({ name }) => name ?? ''),
    ...(graph?.initializer ?? []).map(({ name }) => name ?? ''),
    ...nodesOf(model).flatMap(({ output }) => output ?? []),
  ];
}

function someName(model: onnx.ModelProto, random: Random): string {
  const values = valuesOf(model);
  return random() < 0.6 && values.length > 0 ? pick(random, values) : pick(random, names);
}

/** One of a list that may be empty. */
function some<T>(list: readonly T[], random: Random, act: (one: T) => void): void {
  if (list.length > 0) act(pick(random, list));
}

const { AttributeType } = onnxProto.onnx.AttributeProto;

function changeAttribute(attribute: onnx.IAttributeProto, random: Random): void {
  const action = whole(random, 12);
  if (action === 0) attribute.name = pick(random, attributeNames);
  // Also numbers that are no type.
  else if (action === 1) Object.assign(attribute, { type: whole(random, 18) });
  else if (attribute.type === AttributeType.INT) attribute.i = someInteger(random);
  else if (attribute.type === AttributeType.FLOAT) attribute.f = someFloat(random);
  else if (attribute.type === AttributeType.INTS)
    changeList((attribute.ints ??= []), random, () => someInteger(random));
  else if (attribute.type === AttributeType.FLOATS)
    changeList((attribute.floats ??= []), random, () => someFloat(random));
  else if (attribute.type === AttributeType.STRING)
    attribute.s = new TextEncoder().encode(pick(random, [...names, 'SAME_UPPER', 'VALID', 'edge']));
}

function newAttribute(random: Random): onnx.IAttributeProto {
  const name = pick(random, attributeNames);
  const kind = whole(random, 3);
  if (kind === 0) return { name, type: AttributeType.INT, i: someInteger(random) };
  if (kind === 1) return { name, type: AttributeType.FLOAT, f: someFloat(random) };
  const ints = Array.from({ length: whole(random, 6) }, () => someInteger(random));
  return { name, type: AttributeType.INTS, ints };
}

/** A graph with an If around a graph, `depth` times. */
function nested(depth: number): onnx.IGraphProto {
  let graph: onnx.IGraphProto = { name: 'innermost' };
  for (let n = 0; n < depth; n++) {
    const attribute = [{ name: 'then_branch', type: AttributeType.GRAPH, g: graph }];
    graph = { name: `level ${n}`, node: [{ opType: 'If', output: ['o'], attribute }] };
  }
  return graph;
}

export const modelMutations: Readonly<Record<string, ModelMutation>> = {
  dims(model, random) {
    some(tensorsOf(model), random, (tensor) => {
      changeList((tensor.dims ??= []), random, () => someInteger(random));
    });
  },
  elementType(model, random) {
    some(tensorsOf(model), random, (tensor) => (tensor.dataType = whole(random, 26) - 1));
  },
  elements(model, random) {
    some(tensorsOf(model), random, (tensor) => {
      const raw = tensor.rawData ?? new Uint8Array();
      const action = whole(random, 5);
      if (action === 0) tensor.rawData = raw.slice(0, whole(random, raw.length));
      else if (action === 1) tensor.rawData = new Uint8Array(raw.length + 1 + whole(random, 64));
      else if (action === 2)
        changeList((tensor.int64Data ??= []), random, () => someInteger(random));
      else if (action === 3) changeList((tensor.floatData ??= []), random, () => someFloat(random));
      else {
        // Constants that are shapes, axes or counts are the interesting ones.
        const copy = raw.slice();
        const view = new DataView(copy.buffer);
        if (copy.length >= 8) {
          const at = 8 * whole(random, copy.length >> 3);
          view.setBigInt64(at, BigInt(someInteger(random)), true);
        }
        tensor.rawData = copy;
      }
    });
  },
  external(model, random) {
    some(tensorsOf(model), random, (tensor) => {
      tensor.dataLocation = onnxProto.onnx.TensorProto.DataLocation.EXTERNAL;
      if (random() < 0.7) tensor.rawData = new Uint8Array();
      tensor.externalData = [
        { key: 'location', value: pick(random, locations) },
        {
          key: pick(random, ['offset', 'length', 'location', 'checksum', '__proto__']),
          value: '0',
        },
        { key: 'length', value: String(someInteger(random)) },
      ];
    });
  },
  attribute(model, random) {
    const owners = nodesOf(model).filter(({ attribute }) => (attribute ?? []).length > 0);
    some(owners, random, ({ attribute }) => {
      changeAttribute(pick(random, attribute!), random);
    });
  },
  attributes(model, random) {
    some(nodesOf(model), random, (node) => {
      changeList((node.attribute ??= []), random, () => newAttribute(random));
    });
  },
  operator(model, random) {
    some(nodesOf(model), random, (node) => (node.opType = pick(random, operators)));
  },
  domain(model, random) {
    some(nodesOf(model), random, (node) => (node.domain = pick(random, ['ai.onnx', ...names])));
  },
  edges(model, random) {
    some(nodesOf(model), random, (node) => {
      changeList((node.input ??= []), random, () => someName(model, random));
    });
  },
  outputs(model, random) {
    some(nodesOf(model), random, (node) => {
      changeList((node.output ??= []), random, () => someName(model, random));
    });
  },
  nodes(model, random) {
    changeList(nodesOf(model), random, () => ({
      opType: pick(random, operators),
      name: pick(random, names),
      input: Array.from({ length: whole(random, 4) }, () => someName(model, random)),
      output: [pick(random, names)],
      attribute: random() < 0.5 ? [newAttribute(random)] : [],
    }));
  },
  /** The same operator many times in a row, or a value used many times. */
  chain(model, random) {
    const [node] = nodesOf(model);
    // Three hundred copies of a graph would be a file that takes memory to make, not to read.
    if (node === undefined || (node.attribute ?? []).some(({ g }) => g)) return;
    const length = 1 + whole(random, 300);
    const opType = random() < 0.5 ? node.opType : pick(random, ['Add', 'Mul', 'Concat', 'Relu']);
    let value = node.output?.[0] ?? '';
    for (let n = 0; n < length; n++) {
      const output = `chain ${n}`;
      const input = opType === node.opType ? (node.input ?? []).with(0, value) : [value, value];
      nodesOf(model).push({ ...node, opType: opType ?? '', name: output, input, output: [output] });
      value = output;
    }
    some(model.graph?.output ?? [], random, (output) => (output.name = value));
  },
  rename(model, random) {
    const values = valuesOf(model);
    if (values.length === 0) return;
    const [from, to] = [pick(random, values), pick(random, names)];
    const renamed = (name: string): string => (name === from ? to : name);
    const { graph } = model;
    for (const part of [graph?.input, graph?.output, graph?.initializer, graph?.valueInfo])
      for (const one of part ?? []) one.name = renamed(one.name ?? '');
    for (const node of nodesOf(model)) {
      node.input = (node.input ?? []).map(renamed);
      node.output = (node.output ?? []).map(renamed);
    }
  },
  names(model, random) {
    const { graph } = model;
    const named = [
      ...nodesOf(model),
      ...(graph?.input ?? []),
      ...(graph?.output ?? []),
      ...(graph?.initializer ?? []),
      ...(graph === null || graph === undefined ? [] : [graph]),
    ];
    some<{ name?: string | null }>(named, random, (one) => (one.name = pick(random, names)));
  },
  types(model, random) {
    const infos = [model.graph?.input, model.graph?.output, model.graph?.valueInfo];
    some(
      infos.flatMap((list) => list ?? []),
      random,
      (info) => {
        const type = info.type?.tensorType;
        const action = whole(random, 5);
        if (action === 0) info.type = null;
        else if (action === 1) info.type = { sequenceType: { elemType: info.type ?? null } };
        else if (action === 2 && type) type.elemType = whole(random, 26) - 1;
        else if (type) {
          changeList(((type.shape ??= {}).dim ??= []), random, () =>
            random() < 0.3 ? { dimParam: pick(random, names) } : { dimValue: someInteger(random) },
          );
        }
      },
    );
  },
  ports(model, random) {
    const { graph } = model;
    if (graph === null || graph === undefined) return;
    const list = pick(random, [
      (graph.input ??= []),
      (graph.output ??= []),
      (graph.valueInfo ??= []),
    ]);
    changeList(list, random, () => ({
      name: someName(model, random),
      type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: someInteger(random) }] } } },
    }));
  },
  opsets(model, random) {
    changeList(model.opsetImport, random, () => ({
      domain: pick(random, ['', 'ai.onnx', 'ai.onnx.ml', ...names]),
      version: random() < 0.5 ? whole(random, 30) : someInteger(random),
    }));
  },
  versions(model, random) {
    if (random() < 0.3) model.irVersion = someInteger(random);
    else some(model.opsetImport, random, (opset) => (opset.version = 1 + whole(random, 24)));
  },
  graphs(model, random) {
    const copied = nodesOf(model).length <= 40 && random() < 0.5;
    const g = copied ? (model.graph ?? null) : nested(whole(random, 100));
    some(nodesOf(model), random, (node) => {
      const attribute = { name: pick(random, attributeNames), type: AttributeType.GRAPH, g };
      (node.attribute ??= []).push({ ...attribute, g: structuredClone(g) });
    });
  },
  functions(model, random) {
    some(nodesOf(model), random, (node) => {
      const call = { ...structuredClone(node), domain: 'local', opType: pick(random, ['f', 'g']) };
      model.functions.push({
        ...{ name: 'f', domain: 'local', opsetImport: model.opsetImport },
        input: node.input ?? [],
        output: node.output ?? [],
        // A function may call another, or itself.
        node: random() < 0.5 ? [structuredClone(node)] : [call],
      });
      Object.assign(node, { domain: 'local', opType: 'f' });
      if (random() < 0.7) model.opsetImport.push({ domain: 'local', version: 1 });
    });
  },
  metadata(model, random) {
    const input = model.graph?.input?.[0]?.name ?? 'x';
    model.metadataProps.push({
      key: pick(random, [`cipherloom.range.${input}`, 'cipherloom.labels', ...names]),
      value: pick(random, ['0,1', '-1e308,1e308', '1,0', 'NaN,1', '[', '["a",1]', ...names]),
    });
  },
  sparse(model, random) {
    some(model.graph?.initializer ?? [], random, (values) => {
      model.graph!.sparseInitializer = [{ values, indices: values, dims: values.dims ?? [] }];
      if (random() < 0.5) model.graph!.initializer = [];
    });
  },
};
