/**
 * The rows of the bad-input table that need no keys, through the command line: models that are built
 * to harm (M4–M8, M13) and calibration data (C1–C4). M1–M3, M9–M12, M14 and the other rows stand in
 * bad-input.he.test.ts.
 */
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import typescript from 'typescript';
import { beforeAll, expect, test } from 'vitest';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';
import { formatNpz } from '../../src/frontend/npy/write-npz.ts';
import { encodeModel, type TestModel, type TestNode } from '../support/onnx-model.ts';
import { cipherloom, jsonOf, temporaryFolder } from './commands/example-plans.ts';
import { refusals, type Case } from './refusals.ts';

const folder = temporaryFolder();
const elsewhere = temporaryFolder();
const { at, put, refuses } = refusals(folder);
beforeAll(() => {
  mkdirSync(at('tmp'));
});

const compile = (model: string, ...more: readonly string[]) => [
  ...['compile', model, '-o', at('plan')],
  ...more,
];

const simple: TestModel = {
  inputs: { x: [1, 4] },
  outputs: ['y'],
  nodes: [{ op: 'Mul', name: 'square', inputs: ['x', 'x'], outputs: ['y'] }],
  metadata: { 'cipherloom.range.x': '-1,1' },
};
const putModel = (name: string, changes: Partial<TestModel>) =>
  put(`${name}.onnx`, encodeModel({ ...simple, ...changes }));

/** The same error from the two commands that read models. */
function both(file: string, code: Case[1], tells: Case[2], expected: Case[3] = {}): Case[] {
  return [
    [compile(file), code, tells, expected],
    [['inspect', file], code, tells, expected],
  ];
}

test('M4: 100,000 nested graphs', async () => {
  // A graph with a node with an attribute with a graph …; every length is too long.
  const level = [0x0a, 0x7f, 0x2a, 0x7f, 0x32, 0x7f];
  const graphs = Uint8Array.from({ length: 300_000 }, (_, n) => level[n % 6]!);
  const head = Uint8Array.of(8, 8, 0x3a, 0xe0, 0xa7, 0x12);
  const file = put('M4.onnx', Buffer.concat([head, graphs]));
  await refuses(3, both(file, 'MODEL_INVALID', 'nesting > 64'));
});

test('M5: dims that do not fit', async () => {
  const bad = (name: string, dims: readonly number[], tells: string): Case[] =>
    both(
      putModel(`M5 ${name}`, {
        initializers: { w: { dims, data: [1, 2, 3, 4] } },
        nodes: [{ op: 'Mul', name: 'scale', inputs: ['x', 'w'], outputs: ['y'] }],
      }),
      'MODEL_INVALID',
      new RegExp(`^tensor "w" \\[${dims.join(',')}\\]: .*${tells}`),
      { node: 'w' },
    );
  await refuses(3, [
    ...bad('huge', [2 ** 40], 'more than 268435456 elements'),
    ...bad('product', [2 ** 31, 2 ** 31, 2 ** 31], 'more than 268435456 elements'),
    ...bad('negative', [-4], 'negative'),
    ...bad('short', [2, 4], '8 elements of float32 need 32 bytes, it has 16'),
  ]);
});

test('M6: small files that ask for much', async () => {
  const bomb = (op: string, numbers: readonly number[], nodes: TestNode[]): Case => [
    ['inspect', putModel(`M6 ${op}`, { initializers: { n: ints(numbers) }, nodes })],
    'RESOURCE_LIMIT',
    /elements, the limit is \d+/,
    { node: 'bomb' },
  ];
  const ints = (data: readonly number[]) => ({ dims: [data.length], type: 'int64' as const, data });
  const named = (op: string, inputs: readonly string[], outputs: readonly string[]): TestNode => ({
    ...{ op, name: 'bomb', inputs, outputs },
  });
  const add = { op: 'Add', name: 'sum', inputs: ['x', 'b'], outputs: ['y'] };
  await refuses(7, [
    bomb('ConstantOfShape', [2 ** 22, 2 ** 22], [named('ConstantOfShape', ['n'], ['b']), add]),
    bomb('Tile', [2 ** 20, 2 ** 20], [named('Tile', ['x', 'n'], ['y'])]),
    bomb('Expand', [2 ** 40, 4], [named('Expand', ['x', 'n'], ['y'])]),
    bomb('Pad', [0, 0, 2 ** 20, 2 ** 20], [named('Pad', ['x', 'n'], ['y'])]),
  ]);
});

test('M7: external data stays inside the folder of the model, and is not opened outside', async () => {
  const content = Buffer.from(new Float32Array([1, 2, 3, 4]).buffer);
  const secret = join(elsewhere(), 'secret.bin');
  writeFileSync(secret, content);
  put('secret.bin', content);
  put('M7/w.bin', content);
  symlinkSync(secret, at('M7', 'link.bin'));
  symlinkSync(elsewhere(), at('M7', 'up'));
  linkSync(secret, at('M7', 'hard.bin'));
  if (process.platform !== 'win32') execFileSync('mkfifo', [at('M7', 'pipe')]);
  let count = 0;
  const outside = (location: string, tells: string, more: Record<string, string> = {}): Case => {
    const entries = Object.entries({ location, offset: '0', length: '16', ...more });
    const external = Object.fromEntries(entries.filter(([, value]) => value !== ''));
    const file = putModel(`M7/${++count}`, {
      initializers: { w: { dims: [4], data: [], external } },
      nodes: [{ op: 'Mul', name: 'scale', inputs: ['x', 'w'], outputs: ['y'] }],
    });
    return [
      compile(file),
      'MODEL_INVALID',
      new RegExp(`^tensor "w" is stored at "[^"]*": .*${tells}`),
      { node: 'w', details: expect.objectContaining({ location }) as never },
    ];
  };
  await refuses(3, [
    outside('../../etc/passwd', "leaves the model's folder"),
    outside('../secret.bin', "leaves the model's folder"),
    outside('a/../../b', "leaves the model's folder"),
    outside('/etc/passwd', 'absolute'),
    outside('C:\\Windows\\win.ini', 'backslash'),
    outside('..\\secret.bin', 'backslash'),
    outside('link.bin', 'symbolic link'),
    outside('up/secret.bin', 'symbolic link'),
    outside('hard.bin', '2 names'),
    ...(process.platform === 'win32' ? [] : [outside('pipe', 'not a file')]),
    outside('absent.bin', 'ENOENT'),
    outside('w.bin', 'the file has 16', { offset: '8' }),
    outside('w.bin', 'not a number of bytes', { offset: '9223372036854775800' }),
    outside('w.bin', 'not a number of bytes', { offset: '-8' }),
    outside('w.bin', 'not a number of bytes', { length: '-16' }),
    outside('w.bin', 'the model gives 12', { offset: '4', length: '' }),
  ]);
  // And what is inside is used, by compile and by verify alike.
  const inside = putModel('M7/inside', {
    initializers: { w: { dims: [4], data: [], external: { location: 'w.bin' } } },
    nodes: [{ op: 'Mul', name: 'scale', inputs: ['x', 'w'], outputs: ['y'] }],
  });
  jsonOf(await cipherloom('compile', inside, '-o', at('M7 plan'), '--json'));
  const input = put('M7.npy', formatNpy({ shape: [1, 4], data: Float32Array.of(1, 1, 1, 0.5) }));
  const words = ['run', at('M7 plan'), '--input', input, '--backend', 'clear', '--model', inside];
  const { outputs, agreementReference } = jsonOf(await cipherloom(...words, '--json'));
  const [row] = (outputs as { y: number[][] }).y;
  for (const [n, value] of [1, 2, 3, 2].entries()) expect(row![n]).toBeCloseTo(value, 3);
  expect(agreementReference).toMatch(/^onnxruntime/);
});

/** Control characters, and those that turn a line round. Newlines are how lines end. */
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

test('M8: names of every kind', async () => {
  const relu = (name: string, from: string, to: string): TestNode => ({
    ...{ op: 'Mul', name, inputs: [from, from], outputs: [to] },
  });
  const evil = 'evil\u001b[2J\u001b]0;title\u0007\u202e\nnode';
  const works: Readonly<Record<string, Partial<TestModel>>> = {
    prototype: {
      inputs: Object.fromEntries([['__proto__', [1, 4]]]),
      outputs: ['constructor'],
      nodes: [relu('hasOwnProperty', '__proto__', 'toString'), relu('', 'toString', 'constructor')],
      metadata: Object.fromEntries([['cipherloom.range.__proto__', '-1,1']]),
    },
    long: {
      nodes: [
        relu('n'.repeat(2 ** 20), 'x', 'v'.repeat(2 ** 20)),
        relu('', 'v'.repeat(2 ** 20), 'y'),
      ],
    },
    same: { nodes: [relu('twice', 'x', 'v'), relu('twice', 'v', 'y')] },
    escapes: { nodes: [relu(evil, 'x', `v${evil}`), relu(`${evil}2`, `v${evil}`, 'y')] },
    code: {
      inputs: { '"];process.exit(1);//</script>${1}`': [1, 4] },
      nodes: [relu('*/ process.exit(1) /*', '"];process.exit(1);//</script>${1}`', 'y')],
      metadata: {},
    },
  };
  for (const [name, changes] of Object.entries(works)) {
    const file = putModel(`M8 ${name}`, changes);
    for (const json of [[], ['--json']]) {
      const plan = at(`M8 ${name} plan${json.join('')}`);
      for (const words of [compile(file).with(3, plan), ['inspect', file]]) {
        const { status, stdout, stderr } = await cipherloom(...words, ...json);
        expect({ name, status }).toEqual({ name, status: 0 });
        expect(`${stdout}${stderr}`).not.toMatch(control);
        expect(stdout.length).toBeLessThan(20_000);
        if (json.length > 0) expect(JSON.parse(stdout)).toBeTypeOf('object');
      }
      for (const made of readdirSync(plan)) {
        const text = readFileSync(at(`M8 ${name} plan${json.join('')}`, made), 'utf8');
        if (!made.endsWith('.loom')) expect(text, `${name} ${made}`).not.toMatch(control);
        if (made.endsWith('.ts')) {
          const { diagnostics } = typescript.transpileModule(text, { reportDiagnostics: true });
          expect(diagnostics, `${name} ${made}`).toEqual([]);
        }
      }
    }
  }
  const refused = (name: string, changes: Partial<TestModel>, tells: string | RegExp): Case => [
    compile(putModel(`M8 ${name}`, { metadata: {}, ...changes })),
    'MODEL_INVALID',
    tells,
  ];
  await refuses(3, [
    refused('input', { inputs: { 'a\u001b[2J': [1, 4], x: [1, 4] } }, '"a\\x1b[2J" cannot name'),
    refused('empty', { inputs: { '': [1, 4], x: [1, 4] } }, '"" cannot name an input'),
    refused(
      'long input',
      { inputs: { ['x'.repeat(2 ** 20)]: [1, 4], x: [1, 4] } },
      /^.{0,400}1048576 characters/,
    ),
    refused('outputs', { outputs: ['y', 'y'] }, 'the output "y" is declared twice'),
    refused('values', { nodes: [relu('a', 'x', 'y'), relu('b', 'x', 'y')] }, '"y" is made twice'),
  ]);
  // A refusal names an evil node without obeying it, as text too.
  const unknown = putModel('M8 unknown', {
    nodes: [{ op: 'NoSuch\u001b[31m', name: evil, inputs: ['x'], outputs: ['y'] }],
  });
  for (const words of [compile(unknown), ['inspect', unknown]]) {
    const { status, stdout, stderr } = await cipherloom(...words);
    expect(status).toBe(4);
    expect(`${stdout}${stderr}`).toContain('evil\\x1b[2J');
    expect(`${stdout}${stderr}`).not.toMatch(control);
  }
});

test('M13: a model of 3 GB is refused by its size', async () => {
  const file = put('M13.onnx', Uint8Array.of(8, 8));
  truncateSync(file, 3 * 2 ** 30);
  const started = performance.now();
  await refuses(
    7,
    both(file, 'RESOURCE_LIMIT', `has ${3 * 2 ** 30} bytes; at most 2147483647 are read`, {
      hint: expect.stringContaining('save_as_external_data=True') as never,
      details: { bytes: 3 * 2 ** 30, limit: 2 ** 31 - 1 },
    }),
  );
  // Reading it would take longer.
  expect(performance.now() - started).toBeLessThan(60_000);
  truncateSync(file, 0);
});

// --- C: calibration data ---

const numbers = (images: number, value: (n: number) => number) =>
  formatNpy({
    shape: [images, 4],
    data: Float32Array.from({ length: 4 * images }, (_, n) => value(n)),
  });
const calibrated = (model: string, data: string) => compile(model, '--calibration', data);

/** A deflated entry named x.npy whose directory states `stated` bytes. */
function deflatedNpz(content: Uint8Array, stated: number): Uint8Array {
  const name = Buffer.from('x.npy');
  const packed = deflateRawSync(content);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(stated, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, name, packed]);
  const tail = Buffer.alloc(14);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x00', 'latin1'),
    ...[fields.subarray(0, 24), Buffer.alloc(2), tail.subarray(0, 14), name],
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

test('C1: calibration that is empty, cut, or of another shape or type', async () => {
  const model = putModel('C1', {});
  const good = numbers(40, (n) => (n % 7) / 7);
  const npz = formatNpz(new Map([['x', { shape: [40, 4], data: new Float32Array(160) }]]));
  const bad = (name: string, content: Uint8Array | string, tells: string | RegExp): Case => {
    const file = put(`C1 ${name}`, content);
    return [
      calibrated(model, file),
      'DATA_INVALID',
      tells,
      { message: expect.stringContaining(`C1 ${name}`) as never },
    ];
  };
  await refuses(3, [
    bad('empty.npy', '', /not a \.npy file/),
    bad('cut.npy', good.subarray(0, 300), /has|needs|bytes/),
    bad('text.npy', '1,2,3,4\n', /not a \.npy file/),
    bad('strings.npy', npyOf("{'descr': '<U4', 'fortran_order': False, 'shape': (1, 4), }"), '<U4'),
    bad('cut.npz', npz.subarray(0, npz.length - 30), /truncated zip archive|not a \.npz file/),
    bad('empty.npz', '', /not a \.np[yz] file/),
    [
      calibrated(
        model,
        put('C1 shape.npy', formatNpy({ shape: [8, 5], data: new Float32Array(40) })),
      ),
      'INPUT_INVALID',
      'has shape [8, 5]; the input "x" takes [K, 4]',
    ],
    [
      calibrated(
        model,
        put('C1 none.npy', formatNpy({ shape: [0, 4], data: new Float32Array(0) })),
      ),
      'INPUT_INVALID',
      'holds no image',
    ],
  ]);
  const few = put(
    'C1 few.npy',
    numbers(5, (n) => (n % 7) / 7),
  );
  const { warnings } = jsonOf(await cipherloom(...calibrated(model, few), '--json'));
  expect((warnings as { id: string }[]).map(({ id }) => id)).toEqual(['CALIBRATION_SMALL']);
});

function npyOf(header: string, body: Uint8Array = new Uint8Array(64)): Uint8Array {
  const text = Buffer.from(`${header.padEnd(117)}\n`, 'latin1');
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, text, body]);
}

test('C2: calibration that is not finite, or constant', async () => {
  const model = putModel('C2', {});
  const at33 = (value: number) => numbers(40, (n) => (n === 33 ? value : (n % 7) / 7));
  const bad = (name: string, value: number): Case => [
    calibrated(model, put(`C2 ${name}.npy`, at33(value))),
    'INPUT_INVALID',
    `input "x", image 8, element 1 is ${value}`,
    { node: 'x', details: { image: 8, index: 1, value: String(value) } },
  ];
  await refuses(3, [bad('nan', NaN), bad('infinite', -Infinity)]);
  // A constant is no range: the plan keeps a margin around it and still takes it.
  const file = put(
    'C2 constant.npy',
    numbers(40, () => 0.5),
  );
  const words = [...calibrated(model, file).with(3, at('C2 plan')), '--json'];
  const { warnings } = jsonOf(await cipherloom(...words)) as { warnings: { id: string }[] };
  expect(warnings.map(({ id }) => id)).toEqual(['CALIBRATION_CONSTANT']);
  const run = ['run', at('C2 plan'), '--input', file, '--limit', '1', '--backend', 'clear'];
  const { outputs } = jsonOf(await cipherloom(...run, '--json'));
  for (const value of (outputs as { y: number[][] }).y[0]!) expect(value).toBeCloseTo(0.25, 3);
});

test('C3: the client refuses an input outside the range that was calibrated', async () => {
  const model = putModel('C3', { metadata: {} });
  const file = put(
    'C3.npy',
    numbers(40, (n) => (n % 8) / 8),
  );
  const made = jsonOf(
    await cipherloom(...calibrated(model, file).with(3, at('C3 plan')), '--json'),
  );
  expect(made).toBeTypeOf('object');
  const { inputs } = JSON.parse(readFileSync(at('C3 plan', 'client.json'), 'utf8')) as {
    inputs: { range: [number, number] }[];
  };
  const outside = put(
    'C3 outside.npy',
    numbers(2, (n) => (n === 6 ? 3 : 0.5)),
  );
  await refuses(3, [
    [
      ['run', at('C3 plan'), '--input', outside, '--backend', 'clear'],
      'INPUT_INVALID',
      /"x".*(element|index) \d+ is 3|3 .*outside/,
      { node: 'x' },
    ],
  ]);
  expect(inputs[0]!.range[1]).toBeLessThan(3);
});

test('C4: pickles, headers of 2^31 bytes, other byte orders, zip bombs', async () => {
  const model = putModel('C4', {});
  const long = Buffer.alloc(64);
  long.write('\x93NUMPY\x02\x00', 'latin1');
  long.writeUInt32LE(2 ** 31, 8);
  const zeros = npyOf(
    "{'descr': '<f4', 'fortran_order': False, 'shape': (16777216, 4), }",
    new Uint8Array(2 ** 28),
  );
  const bomb = deflatedNpz(zeros, 200);
  expect(bomb.length).toBeLessThan(2 ** 19);
  const files: readonly (readonly [name: string, content: Uint8Array, tells: string | RegExp])[] = [
    [
      'pickle.npy',
      npyOf("{'descr': '|O', 'fortran_order': False, 'shape': (1, 4), }"),
      'pickled Python objects, which are never loaded',
    ],
    ['long.npy', long, 'the header claims 2147483648 bytes'],
    [
      'order.npy',
      npyOf("{'descr': '>f4', 'fortran_order': False, 'shape': (4, 4), }"),
      'is big-endian',
    ],
    [
      'huge.npy',
      npyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 4), }"),
      /bytes/,
    ],
    ['bomb.npz', bomb, /has 200 bytes, its header states \d+/],
    [
      'pickle.npz',
      deflatedNpz(npyOf("{'descr': '|O', 'fortran_order': False, 'shape': (1, 4), }"), 192),
      'pickled Python objects',
    ],
  ];
  jsonOf(
    await cipherloom(
      ...compile(model).with(3, at('C4 plan')),
      '--silence',
      'CALIBRATION_SYNTHETIC',
      '--json',
    ),
  );
  const cases = files.flatMap(([name, content, tells]): Case[] => {
    const file = put(`C4 ${name}`, content);
    return [
      [calibrated(model, file), 'DATA_INVALID', tells],
      [['run', at('C4 plan'), '--backend', 'clear', '--input', file], 'DATA_INVALID', tells],
    ];
  });
  await refuses(3, cases);
});
