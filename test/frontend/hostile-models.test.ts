/** Rows M1–M5 and M8–M12 of the bad-input table: malformed, malicious and unsupported models. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { examineOnnx, importOnnx } from '../../src/frontend/import-onnx.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { verify } from '../../src/ir/verify.ts';
import { randomInputs } from '../support/compare-onnx.ts';
import { encodeModel } from '../support/onnx-model.ts';
import type { TestModel } from '../support/onnx-model.ts';
import { randomSource } from '../support/random.ts';

const lola = new Uint8Array(
  readFileSync(path.join(import.meta.dirname, '../../examples/mnist/lola.onnx')),
);

function errorOf(action: () => unknown): CipherloomError {
  try {
    action();
  } catch (error) {
    if (error instanceof CipherloomError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function refusal(bytes: Uint8Array): CipherloomError {
  return errorOf(() => importOnnx(bytes, { name: 'model', file: 'model.onnx' }));
}

function refusalOf(model: TestModel): CipherloomError {
  return refusal(encodeModel(model));
}

/** One Relu from x to y, changed by the test. */
const simple: TestModel = {
  inputs: { x: [1, 4] },
  outputs: ['y'],
  nodes: [{ op: 'Relu', name: 'act', inputs: ['x'], outputs: ['y'] }],
};

/** Random bytes. */
function scaledRandom(seed: number): () => number {
  const random = randomSource(seed);
  return () => Math.floor(256 * random());
}

/** Protobuf by hand: a field with a length. */
function field(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const head = [...varint(number * 8 + 2), ...varint(bytes.length)];
  const result = new Uint8Array(head.length + bytes.length);
  result.set(head);
  result.set(bytes, head.length);
  return result;
}

function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/** A model whose graph holds these bytes. */
function modelOf(graph: Uint8Array): Uint8Array {
  const content = field(7, graph);
  const result = new Uint8Array(2 + content.length);
  result.set([8, 8]);
  result.set(content, 2);
  return result;
}

describe('M1: files that are no models', () => {
  test.each([
    ['an empty file', new Uint8Array()],
    ['one byte', Uint8Array.of(0x42)],
    ['text', new TextEncoder().encode('# not a model\n')],
    ['a PNG signature', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
    ['random bytes', Uint8Array.from({ length: 4096 }, scaledRandom(7))],
  ])('%s', (_, bytes) => {
    const error = refusal(bytes);
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.exit).toBe(3);
    expect(error.message).toMatch(/^not an ONNX model: model\.onnx, byte \d+/);
  });

  test('a model without a graph', () => {
    expect(refusal(Uint8Array.of(8, 8)).message).toBe(
      'not an ONNX model: model.onnx, byte 0: it has no graph',
    );
  });
});

describe('M2: truncated models', () => {
  test('inside a tensor: names it, the offset, expected and actual bytes', () => {
    const error = refusal(lola.subarray(0, 20_000));
    expect(error.exit).toBe(3);
    expect(error.message).toMatch(
      /^damaged ONNX model: model\.onnx, byte \d+, graph\[0\] "lola"\.initializer\[\d+\] "[\w.]+": raw_data needs \d+ bytes, only \d+ are left$/,
    );
    expect(error.node).not.toBeNull();
    expect(Number(error.details['expected'])).toBeGreaterThan(Number(error.details['actual']));
  });

  test('anywhere: refused with the file and an offset inside it', () => {
    const step = Math.ceil(lola.length / 500);
    for (let length = 1; length < lola.length - 100; length += step) {
      const error = refusal(lola.subarray(0, length));
      expect(error.code).toBe('MODEL_INVALID');
      expect(Number(error.details['offset'])).toBeLessThanOrEqual(length);
    }
  });
});

describe('M3: lengths and numbers out of bounds', () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];

  test('a length of 2^63 − 1', () => {
    const error = refusal(Uint8Array.of(8, 8, 0x3a, ...huge, 1, 2, 3));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message).toContain('byte');
  });

  test('a tensor of 2^63 − 1 bytes: nothing is allocated for it', () => {
    const tensor = Uint8Array.of(...field(8, 'w'), 0x4a, ...huge, 0, 0, 0, 0);
    const before = process.memoryUsage().rss;
    const error = refusal(modelOf(field(5, tensor)));
    expect(error.message).toContain(
      '"w": raw_data needs 9223372036854775807 bytes, only 4 are left',
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  test('a varint of more than ten bytes', () => {
    const error = refusal(Uint8Array.of(8, ...new Array<number>(11).fill(0x80), 1));
    expect(error.message).toBe(
      'not an ONNX model: model.onnx, byte 1: a number has more than 10 bytes',
    );
  });

  test('forms that the decoder would read differently', () => {
    // A 32-bit number in seven bytes, a graph as a number, a group, field number 0.
    const seven = [0x87, 0x80, 0x80, 0x80, 0x80, 0x80, 0];
    expect(refusal(modelOf(field(5, Uint8Array.of(0x10, ...seven)))).message).toContain(
      'a 32-bit number is written with 7 bytes',
    );
    expect(refusal(Uint8Array.of(8, 8, 0x38, 5)).message).toContain('graph has wire type 0');
    expect(refusal(Uint8Array.of(8, 8, 0xf3, 1, 0xf4, 1)).message).toContain('wire type 3');
    expect(refusal(Uint8Array.of(0x02, 0)).message).toContain('no valid number');
    expect(
      refusal(modelOf(Uint8Array.of(0x2a, 0x84, 0x80, 0x80, 0x80, 0x80, 0, 8, 1, 16, 1))).message,
    ).toContain('more than 5 bytes');
  });

  test('packed integers of more than 16 MiB', () => {
    const tensor = field(7, new Uint8Array(2 ** 24 + 1));
    const error = refusal(modelOf(field(5, tensor)));
    expect(error.code).toBe('RESOURCE_LIMIT');
    expect(error.exit).toBe(7);
  });
});

test('M4: 100,000 nested graphs end at nesting > 64', () => {
  // Each level: a graph with a node with an attribute with a graph; lengths are all too long.
  const level = [0x0a, 0x7f, 0x2a, 0x7f, 0x32, 0x7f];
  const nested = new Uint8Array(6 * 33_334).map((_, n) => level[n % 6]!);
  expect(refusal(modelOf(nested)).message).toContain('nesting > 64');
  expect(refusal(modelOf(nested)).exit).toBe(3);
});

describe('M5: dims that do not fit', () => {
  const withTensor = (dims: number[], data: number[], type?: 'int64'): TestModel => ({
    ...simple,
    initializers: { w: { dims, data, ...(type === undefined ? {} : { type }) } },
    nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
  });

  test.each([
    ['an extent of 2^40', [2 ** 40], 'more than 268435456 elements'],
    ['a product of 2^48', [2 ** 24, 2 ** 24], 'more than 268435456 elements'],
    ['a negative extent', [-4], 'negative'],
    ['too little data', [2, 4], '8 elements of float32 need 32 bytes, it has 16'],
    ['too much data', [2], '2 elements of float32 need 8 bytes, it has 16'],
  ])('%s', (_, dims, message) => {
    const error = refusalOf(withTensor(dims, [1, 2, 3, 4]));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.node).toBe('w');
    expect(error.message).toContain(`tensor "w" [${dims.join(',')}]`);
    expect(error.message).toContain(message);
  });

  test('an operator whose result has more than 2^28 elements', () => {
    const error = refusalOf({
      ...simple,
      initializers: { p: { dims: [4], type: 'int64', data: [0, 0, 2 ** 15, 2 ** 15] } },
      nodes: [{ op: 'Pad', name: 'bomb', inputs: ['x', 'p'], outputs: ['y'] }],
    });
    expect(error.code).toBe('RESOURCE_LIMIT');
    expect(error.node).toBe('bomb');
  });
});

test('M6: many small nodes that together ask for much', () => {
  // Each pad copies an edge and is small; three hundred of them took minutes and gigabytes.
  const pads = Array.from({ length: 300 }, (_, n) => ({
    ...{ op: 'Pad', name: `pad${n}`, inputs: [n === 0 ? 'x' : `v${n}`, 'p'] },
    ...{ outputs: [n === 299 ? 'y' : `v${n + 1}`], attributes: { mode: 'edge' } },
  }));
  const error = refusalOf({
    inputs: { x: [1, 3, 8, 8] },
    outputs: ['y'],
    initializers: { p: { dims: [8], type: 'int64', data: [0, 0, 3, 1, 0, 0, 2, 4] } },
    nodes: pads,
  });
  expect(error).toMatchObject({ code: 'RESOURCE_LIMIT', exit: 7 });
  expect(error.message).toMatch(/^"pad\d+" \(Pad\): with its matrix, those of the model have \d+ /);
});

test('a million fields: each would become an object', () => {
  const nodes = field(1, new Uint8Array());
  const many = new Uint8Array(nodes.length * 2 ** 20).map((_, n) => nodes[n % nodes.length]!);
  const error = refusal(modelOf(many));
  expect(error).toMatchObject({ code: 'RESOURCE_LIMIT', details: { limit: 2 ** 20 } });
});

describe('M8: names', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '%s is a name like any other',
    (name) => {
      const bytes = encodeModel({
        inputs: Object.fromEntries([[name, [1, 4]]]),
        outputs: ['y'],
        metadata: Object.fromEntries([[`cipherloom.range.${name}`, '-2,2']]),
        initializers: { valueOf: { dims: [4], data: [1, 2, 3, 4] } },
        nodes: [
          { op: 'Relu', name, inputs: [name], outputs: ['isPrototypeOf'] },
          { op: 'Add', name: 'prototype', inputs: ['isPrototypeOf', 'valueOf'], outputs: ['y'] },
        ],
      });
      const { program, warnings } = importOnnx(bytes, { name: 'model' });
      verify(program);
      expect(warnings).toEqual([]);
      const input = {
        kind: 'tensor',
        tensor: { shape: [1, 4], data: Float64Array.of(-1, 1, 2, -2) },
      } as const;
      const output = interpret(program, new Map([[name, input]])).get('y');
      expect(output).toMatchObject({ tensor: { data: Float64Array.of(1, 3, 5, 4) } });
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );

  test('an operator or attribute of such a name is not found in a prototype', () => {
    const node = { op: 'constructor', name: 'n', inputs: ['x'], outputs: ['y'] };
    expect(refusalOf({ ...simple, nodes: [node] }).code).toBe('MODEL_UNSUPPORTED');
    const attributes = Object.fromEntries([['__proto__', 1]]);
    const error = refusalOf({ ...simple, nodes: [{ ...simple.nodes[0]!, attributes }] });
    expect(error.code).toBe('ATTRIBUTE_INVALID');
    expect(error.message).toContain('"__proto__" is not known');
  });

  test('terminal escapes in a node name are printed escaped', () => {
    const name = 'evil\u001b[2J\u202e\nnode';
    const node = { op: 'NoSuchOperator', name, inputs: ['x'], outputs: ['y'] };
    const { message } = refusalOf({ ...simple, nodes: [node] });
    expect(message).toContain('evil\\x1b[2J\\u{202e}\\x0anode (NoSuchOperator)');
    expect(message).not.toContain('\u001b');
  });

  test('inputs and outputs must have printable names', () => {
    expect(refusalOf({ ...simple, inputs: { 'a\u001b[2J': [1, 4] } }).code).toBe('MODEL_INVALID');
    const long = 'x'.repeat(2 ** 20);
    const error = refusalOf({
      ...simple,
      inputs: { [long]: [1, 4] },
      nodes: [{ op: 'Relu', inputs: [long], outputs: ['y'] }],
    });
    expect(error.message.length).toBeLessThan(500);
    expect(error.message).toContain('1048576 characters');
    expect(refusalOf({ ...simple, inputs: { '': [1, 4], x: [1, 4] } }).code).toBe('MODEL_INVALID');
  });

  test('a long node name is cut, the model works', () => {
    const nodes = [{ ...simple.nodes[0]!, name: 'n'.repeat(2 ** 20) }];
    const { program } = importOnnx(encodeModel({ ...simple, nodes }), { name: 'model' });
    expect(program.operations.at(-1)?.location?.length).toBeLessThan(300);
  });
});

describe('M9: graphs that are none', () => {
  const relu = (from: string, to: string, name: string) => ({
    op: 'Relu',
    name,
    inputs: [from],
    outputs: [to],
  });

  test.each<[string, Partial<TestModel>, string]>([
    [
      'a cycle',
      { nodes: [relu('c', 'b', 'first'), relu('b', 'c', 'second'), relu('x', 'y', 'third')] },
      'the graph has a cycle: node "second" reads "b" of node "first", which depends on it',
    ],
    [
      'a node that reads itself',
      { nodes: [relu('y', 'y', 'loop')] },
      'node "loop" reads "y" of node "loop"',
    ],
    [
      'a dangling input',
      { nodes: [relu('nowhere', 'y', 'act')] },
      'node "act" reads "nowhere", which nothing makes',
    ],
    ['an output that nothing makes', { outputs: ['z'] }, 'nothing makes the output "z"'],
    [
      'two producers',
      { nodes: [relu('x', 'y', 'first'), relu('x', 'y', 'second')] },
      '"y" is made twice: by node "first" and by node "second"',
    ],
    [
      'a node that makes an input',
      { nodes: [relu('x', 'x', 'act')], outputs: ['x'] },
      '"x" is made twice: by an input and by node "act"',
    ],
    ['an output listed twice', { outputs: ['y', 'y'] }, 'the output "y" is declared twice'],
    ['no outputs', { outputs: [] }, 'the graph has no outputs'],
  ])('%s', (_, change, message) => {
    const error = refusalOf({ ...simple, ...change });
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.exit).toBe(3);
    expect(error.message).toContain(message);
  });

  test('nodes out of order are put in order', () => {
    const nodes = [relu('b', 'y', 'second'), relu('x', 'b', 'first')];
    const { operators } = importOnnx(encodeModel({ ...simple, nodes }), { name: 'model' });
    expect(operators.map(({ name }) => name)).toEqual(['first', 'second']);
  });

  test('a cycle of 100,000 nodes is found without recursion', () => {
    const count = 100_000;
    const nodes = Array.from({ length: count }, (_, n) =>
      relu(`v${n}`, `v${(n + 1) % count}`, `n${n}`),
    );
    expect(refusalOf({ ...simple, nodes, outputs: ['v0'] }).message).toContain(
      'the graph has a cycle',
    );
  });
});

describe('M10: what cannot be compiled is listed once, all of it', () => {
  const model: TestModel = {
    inputs: { x: ['batch', 4, 'width'], z: [1, 4, 8] },
    outputs: ['y'],
    valueInfo: { e: [1, 4, 8] },
    domains: { 'com.example': 1 },
    nodes: [
      { op: 'LRN', name: 'norm', inputs: ['z'], outputs: ['e'] },
      { op: 'If', name: 'choice', inputs: ['e'], outputs: ['i'] },
      { op: 'Loop', name: 'again', inputs: ['i'], outputs: ['l'] },
      { op: 'Magic', name: 'custom', domain: 'com.example', inputs: ['l'], outputs: ['m'] },
      { op: 'Pow', name: 'power', inputs: ['e', 'e'], outputs: ['p'] },
      { op: 'Det', name: 'volume', inputs: ['e'], outputs: ['d'] },
      { op: 'Sum', name: 'all', inputs: ['m', 'p', 'd', 'x'], outputs: ['y'] },
      { op: 'Sin', name: 'unused', inputs: ['z'], outputs: ['s'] },
    ],
  };

  test('every node and input, with reason and way out', () => {
    const error = refusalOf(model);
    expect(error.code).toBe('MODEL_UNSUPPORTED');
    expect(error.exit).toBe(4);
    const { nodes } = error.details as {
      nodes: { name: string; operator: string; wayOut: string | null }[];
    };
    expect(nodes.map(({ name, operator }) => `${name} ${operator}`)).toEqual([
      'x input',
      'norm LRN',
      'choice If',
      'again Loop',
      'custom com.example.Magic',
      'power Pow',
      'volume Det',
    ]);
    for (const { name, wayOut } of nodes) {
      expect(wayOut).not.toBeNull();
      expect(error.message).toContain(`  ${name} (`);
    }
    expect(nodes[0]?.wayOut).toBe('give it with --input-shape x=1,4,N');
    expect(nodes[1]?.wayOut).toContain('use BatchNormalization');
  });

  test('a stated shape that nothing can have does not hide the list', () => {
    const nodes = [
      { op: 'Magic', name: 'first', inputs: ['x'], outputs: ['m'] },
      { op: 'Magic', name: 'second', inputs: ['m'], outputs: ['y'] },
    ];
    const error = refusalOf({ ...simple, nodes, valueInfo: { m: [2 ** 53, 2 ** 53] } });
    expect(error.code).toBe('MODEL_UNSUPPORTED');
    expect(error.message).toContain('second (Magic)');
  });

  test('inspect gets the same list without an error', () => {
    const examination = examineOnnx(encodeModel(model), { name: 'model' });
    expect(examination.program).toBeNull();
    expect(examination.unsupported).toHaveLength(7);
    expect(examination.operators.map(({ op }) => op)).toEqual([
      'LRN',
      'If',
      'Loop',
      'Magic',
      'Pow',
      'Det',
      'Sum',
    ]);
  });

  test.each([1, 5, 25])('opset %i, together with the operators', (opset) => {
    const nodes = [{ op: 'Loop', name: 'again', inputs: ['x'], outputs: ['y'] }];
    const error = refusalOf({ ...simple, nodes, opset });
    expect(error.exit).toBe(4);
    expect(error.message).toContain(`it has opset ${opset}, 6 to 24 can be read`);
    expect(error.message).toContain('again (Loop)');
  });

  test.each([2, 13])('IR version %i', (irVersion) => {
    const error = refusalOf({ ...simple, irVersion });
    expect(error.exit).toBe(4);
    expect(error.message).toContain(`it has IR version ${irVersion}, 3 to 12 can be read`);
  });

  test('the leading dynamic axis is 1, others come from inputShapes', () => {
    const bytes = encodeModel({ ...simple, inputs: { x: ['batch', 4, 'width'] } });
    const { program } = importOnnx(bytes, { name: 'model', inputShapes: { x: [1, 4, 6] } });
    expect(program.operations[0]?.type).toMatchObject({ shape: [1, 4, 6] });
    expect(
      errorOf(() => importOnnx(bytes, { name: 'model', inputShapes: { x: [1, 5, 6] } })).code,
    ).toBe('SHAPE_MISMATCH');
    expect(errorOf(() => importOnnx(bytes, { name: 'model', inputShapes: { w: [1] } })).code).toBe(
      'USAGE',
    );
    const batch = importOnnx(encodeModel({ ...simple, inputs: { x: ['batch', 4] } }), {
      name: 'model',
    });
    expect(batch.program.operations[0]?.type).toMatchObject({ shape: [1, 4] });
    const fixed = importOnnx(encodeModel({ ...simple, inputs: { x: [3, 4] } }), { name: 'model' });
    expect(fixed.program.operations[0]?.type).toMatchObject({ shape: [3, 4] });
  });
});

describe('M11: weights that are no numbers', () => {
  const withWeights = (data: number[], type?: 'float64'): TestModel => ({
    ...simple,
    initializers: { w: { dims: [2, 2], data, ...(type === undefined ? {} : { type }) } },
    inputs: { x: [1, 2] },
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
  });

  test.each([
    ['NaN', [1, 2, NaN, 4], 'element 2 is NaN'],
    ['+∞', [1, Infinity, 3, 4], 'element 1 is Infinity'],
    ['−∞', [1, 2, 3, -Infinity], 'element 3 is -Infinity'],
  ])('%s', (_, data, message) => {
    const error = refusalOf(withWeights(data));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.node).toBe('w');
    expect(error.message).toBe(`tensor "w" [2,2]: ${message}`);
  });

  test('1e300 in float64: float32 does not hold it', () => {
    expect(refusalOf(withWeights([1, 1e300, 3, 4], 'float64')).message).toContain(
      'element 1 is 1e+300',
    );
  });

  test('float64 weights are converted', () => {
    const { program } = importOnnx(encodeModel(withWeights([1, 0.1, 3, 4], 'float64')), {
      name: 'model',
    });
    expect([...program.constants.values()][0]?.data).toEqual(Float64Array.of(1, 0.1, 3, 4));
  });

  test('other types are unsupported, by name of the tensor', () => {
    // 17 is FLOAT8E4M3FN, 14 COMPLEX64: the data type field of a hand-made tensor.
    for (const [dataType, name] of [
      [17, 'float8e4m3fn'],
      [14, 'complex64'],
      [8, 'string'],
      [99, 'type 99'],
    ] as const) {
      const bytes = encodeModel({ ...withWeights([1, 2, 3, 4]) });
      const marker = [0x08, 2, 0x08, 2, 0x10, 1]; // dims 2, 2, data_type FLOAT
      const packed = [0x0a, 2, 2, 2, 0x10, 1];
      const at = [marker, packed].map((each) => indexOf(bytes, each)).find((index) => index >= 0);
      bytes[at! + 5] = dataType;
      const error = refusal(bytes);
      expect(error.code).toBe('MODEL_UNSUPPORTED');
      expect(error.message).toContain(`tensor "w" has elements of type ${name}`);
    }
  });
});

function indexOf(bytes: Uint8Array, part: readonly number[]): number {
  return bytes.findIndex((_, at) => part.every((byte, n) => bytes[at + n] === byte));
}

test('M12: zero weights give the bias', () => {
  const { program } = importOnnx(
    encodeModel({
      inputs: { x: [1, 1, 3, 3] },
      outputs: ['y'],
      initializers: {
        k: { dims: [2, 1, 2, 2], data: [0, 0, 0, 0, 1, 1, 1, 1] },
        b: { dims: [2], data: [0.5, -0.5] },
        w: {
          dims: [2, 8],
          data: [...new Array<number>(8).fill(0), ...new Array<number>(8).fill(1)],
        },
        c: { dims: [2], data: [7, 8] },
      },
      nodes: [
        { op: 'Conv', inputs: ['x', 'k', 'b'], outputs: ['h'] },
        { op: 'Flatten', inputs: ['h'], outputs: ['f'] },
        { op: 'Gemm', inputs: ['f', 'w', 'c'], outputs: ['y'], attributes: { transB: 1 } },
      ],
    }),
    { name: 'model' },
  );
  verify(program);
  const tensor = { shape: [1, 1, 3, 3], data: new Float64Array(9) };
  const output = interpret(program, new Map([['x', { kind: 'tensor', tensor } as const]])).get('y');
  expect(output).toMatchObject({ tensor: { data: Float64Array.of(7, 8) } });
});

describe('mutated models', () => {
  /** Whatever the bytes: a program that verifies and runs, or an error of the user's file. */
  function survives(bytes: Uint8Array): void {
    try {
      const model = importOnnx(bytes, { name: 'model' });
      verify(model.program);
      const inputs = [...randomInputs(model, 1)];
      interpret(
        model.program,
        new Map(inputs.map(([name, tensor]) => [name, { kind: 'tensor', tensor } as const])),
      );
    } catch (error) {
      if (!(error instanceof CipherloomError) || ![3, 4, 7].includes(error.exit)) throw error;
    }
  }

  const small = encodeModel({
    inputs: { x: ['batch', 2, 4, 4] },
    outputs: ['y', 'z'],
    metadata: { 'cipherloom.range.x': '-1,1', 'cipherloom.labels': 'a,b' },
    initializers: {
      k: { dims: [2, 2, 3, 3], data: Array.from({ length: 36 }, (_, n) => n / 36) },
      s: { dims: [2], type: 'int64', data: [0, -1], typed: true },
      w: { dims: [8, 3], data: Array.from({ length: 24 }, (_, n) => n / 24) },
      a: { dims: [1], type: 'int64', data: [1] },
    },
    nodes: [
      {
        op: 'Conv',
        inputs: ['x', 'k'],
        outputs: ['c'],
        attributes: { pads: [1, 1, 1, 1], group: 1 },
      },
      {
        op: 'AveragePool',
        inputs: ['c'],
        outputs: ['p'],
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      },
      { op: 'Mul', inputs: ['p', 'p'], outputs: ['q'] },
      { op: 'Reshape', inputs: ['q', 's'], outputs: ['f'] },
      { op: 'Gemm', inputs: ['f', 'w'], outputs: ['y'], attributes: { alpha: { float: 0.5 } } },
      { op: 'Shape', inputs: ['y'], outputs: ['n'] },
      { op: 'Gather', inputs: ['n', 'a'], outputs: ['g'] },
      { op: 'Unsqueeze', inputs: ['y', 'a'], outputs: ['u'] },
      { op: 'ReduceMean', inputs: ['u'], outputs: ['z'], attributes: { axes: [1], keepdims: 0 } },
    ],
  });

  test('the model itself works', () => {
    expect(importOnnx(small, { name: 'model' }).labels).toEqual(['a', 'b']);
  });

  test('5,000 mutations of one to four bytes', () => {
    const random = randomSource(99);
    for (let round = 0; round < 5_000; round++) {
      const bytes = small.slice();
      for (let n = 1 + Math.floor(4 * random()); n > 0; n--) {
        const at = Math.floor(random() * bytes.length);
        // Small numbers, flipped bits, and continuation bits are what lengths and tags react to.
        const byte = bytes[at]!;
        bytes[at] = [
          byte ^ (1 << Math.floor(8 * random())),
          Math.floor(32 * random()),
          byte | 0x80,
        ][Math.floor(3 * random())]!;
      }
      survives(bytes);
    }
  });
});
