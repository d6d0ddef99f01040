/**
 * The table of bad inputs, row by row, through the command line: what is refused has its exit
 * status, one error that names the place and the way out, and loses nothing.
 *
 * Rows that need no keys (M4–M8, M13, C1–C4) stand in hostile-files.he.test.ts. Rows that the command
 * line cannot reach stand elsewhere: J2 (use after dispose, traps) in
 * test/seal/load-seal.test.ts and test/client/client.he.test.ts, J3 (an old Node) in
 * test/cli/launcher.test.ts, K1 and the fields of key bundles in test/seal/evaluation-keys.he.test.ts,
 * every byte of models and plans in test/frontend/hostile-models.test.ts and test/backend/plan.test.ts.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeContainer } from '../../src/backend/plan/container.ts';
import { decodeMessage, encodeMessage, type PlanMessage } from '../../src/backend/plan/message.ts';
import type { PlanFacts } from '../../src/backend/plan/plan.ts';
import { currentProducer } from '../../src/backend/plan/producer.ts';
import { readPlan } from '../../src/backend/plan/read-plan.ts';
import { writePlan } from '../../src/backend/plan/write-plan.ts';
import { Client } from '../../src/client/index.ts';
import { CipherloomError, type ErrorCode } from '../../src/errors.ts';
import { formatNpy } from '../../src/frontend/npy/write-npy.ts';
import { EvaluationKeys, memorySource, readSealParameters } from '../../src/seal/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encodeModel, type TestModel } from '../support/onnx-model.ts';
import {
  cipherloom,
  compileLola,
  example,
  insecureParameters,
  jsonOf,
  temporaryFolder,
} from './commands/example-plans.ts';
import { refusals, stackLine, type Case } from './refusals.ts';
import { launcher, spawnProgram } from './spawn-program.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const folder = temporaryFolder();
const { at, put, read, snapshot, refuses } = refusals(folder);

const lola = example('lola.onnx');
const images = example('images.npy');
const earlier = 'an earlier result';

// What the commands get where a row does not say otherwise. Every output exists already.
const compile = (model: string, ...more: readonly string[]) => [
  ...['compile', model, '-o', at('kept')],
  ...more,
];
const compileExample = (...more: readonly string[]) =>
  compile(lola, '--calibration', example('calibration.npy'), ...more);
const encrypt = (given: { plan?: string; keys?: string; input?: string; output?: string } = {}) => [
  ...['encrypt', given.plan ?? at('plan'), '--keys', given.keys ?? at('keys')],
  ...['--input', given.input ?? images, '--out', given.output ?? at('earlier.ct')],
];
const evaluate = (
  given: { plan?: string; keys?: string; input?: string; output?: string } = {},
) => [
  ...['evaluate', given.plan ?? at('plan')],
  ...['--evaluation-keys', given.keys ?? at('keys', 'evaluation.keys')],
  ...['--input', given.input ?? at('x.ct'), '--out', given.output ?? at('earlier.ct')],
];
const decrypt = (given: { input?: string; output?: string } = {}) => [
  ...['decrypt', at('plan'), '--keys', at('keys')],
  ...['--input', given.input ?? at('y.ct'), '--output', given.output ?? at('earlier.npy')],
];
const runClear = (plan: string, input: string) => [
  ...['run', plan, '--backend', 'clear', '--input', input, '--output', at('earlier.npy')],
];

let session: InferenceSession;
let client: Client;
/** A plan below 128 bits, for half the ring, with its keys. */
let insecureModel: Bytes;
let model: Bytes;
beforeAll(async () => {
  mkdirSync(at('tmp'));
  await Promise.all([compileLola(at('plan')), compileLola(at('insecure'), ...insecureParameters)]);
  cpSync(at('plan'), at('kept'), { recursive: true });
  put('earlier.ct', earlier);
  put('earlier.npy', earlier);
  const keygen = (plan: string, keys: string, ...more: readonly string[]) =>
    cipherloom('keygen', at(plan), '--out', at(keys), '--json', ...more);
  for (const ended of await Promise.all([
    keygen('plan', 'keys'),
    keygen('insecure', 'foreign', '--insecure'),
  ])) {
    jsonOf(ended);
  }
  jsonOf(await cipherloom(...encrypt({ output: at('x.ct') }), '--limit', '1', '--json'));
  jsonOf(await cipherloom(...evaluate({ output: at('y.ct') }), '--json'));
  model = read('plan', 'model.loom');
  insecureModel = read('insecure', 'model.loom');
  session = await InferenceSession.create(at('plan', 'model.loom'), {
    evaluationKeys: at('keys', 'evaluation.keys'),
  });
  client = Client.load(readFileSync(at('plan', 'client.json'), 'utf8'));
  await client.importSecretKey(read('keys', 'secret.key'));
});
afterAll(async () => {
  await session.release();
  client[Symbol.dispose]();
});

/** The same without the command line, where it would say the same: `act` is refused by the library. */
async function refused(
  what: string,
  act: () => unknown,
  code: ErrorCode,
  tells: RegExp | string,
): Promise<void> {
  let error: unknown = null;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error, what).toBeInstanceOf(CipherloomError);
  const { code: got, message } = error as CipherloomError;
  expect(got, `${what}: ${message}`).toBe(code);
  if (typeof tells === 'string') expect(message, what).toContain(tells);
  else expect(message, what).toMatch(tells);
}

function flipped(bytes: Bytes, ...offsets: readonly number[]): Bytes {
  const copy = bytes.slice();
  for (const offset of offsets) copy[offset]! ^= 1 << (offset % 8);
  return copy;
}

function longer(bytes: Bytes, by: number): Bytes {
  const copy = new Uint8Array(bytes.length + by);
  copy.set(bytes);
  return copy;
}

// --- X: the command line ---

test('X1: unknown flags, missing values, words for numbers', async () => {
  const usage = (words: readonly string[], option: string): Case => [
    words,
    'USAGE',
    option,
    { node: option },
  ];
  await refuses(2, [
    usage(compileExample('--btach', '4'), '--btach'),
    usage(compileExample('--n=abc'), '--n'),
    usage(compileExample('--batch=abc'), '--batch'),
    usage([...encrypt(), '--limit'], '--limit'),
    usage([...encrypt(), '--limit', '0'], '--limit'),
    usage(encrypt({ output: '' }), '--output'),
    usage(
      ['evaluate', at('plan'), '--input', at('x.ct'), '--out', at('earlier.ct')],
      '--evaluation-keys',
    ),
  ]);
});

test('X1: an output that is an input, absent, read-only or full', async () => {
  const own = put('own.onnx', readFileSync(lola));
  await refuses(2, [
    [[...compileExample(), '-o', own].toSpliced(2, 2), 'FILE_EXISTS', own, { node: own }],
    [encrypt({ input: at('x.ct'), output: at('x.ct') }), 'USAGE', at('x.ct')],
    [evaluate({ output: at('keys', 'evaluation.keys') }), 'USAGE', 'evaluation.keys'],
    [evaluate({ output: at('x.ct') }), 'USAGE', at('x.ct')],
    [decrypt({ output: at('y.ct') }), 'USAGE', at('y.ct')],
    [['keygen', at('plan'), '--out', at('keys')], 'FILE_EXISTS', 'secret.key'],
  ]);
  const unwritable = (words: readonly string[], tells: string): Case => [
    words,
    'FILE_UNWRITABLE',
    tells,
  ];
  await refuses(3, [
    unwritable(encrypt({ output: at('absent', 'x.ct') }), at('absent')),
    unwritable(['compile', lola, '-o', at('absent', 'plan')], at('absent')),
    unwritable(['keygen', at('plan'), '--out', at('absent', 'keys')], at('absent')),
    unwritable(encrypt({ output: at('plan') }), 'is a folder'),
    ...(existsSync('/proc/self')
      ? [unwritable(encrypt({ output: '/proc/self/x.ct' }), '/proc/self/x.ct')]
      : []),
    ...(existsSync('/dev/full')
      ? [
          unwritable([...encrypt({ output: '/dev/full' }), '--limit', '1'], 'ENOSPC'),
          unwritable(decrypt({ output: '/dev/full' }), 'ENOSPC'),
        ]
      : []),
  ]);
});

test('X2: a signal in the middle removes what was begun and keeps what was there', async () => {
  cpSync(at('keys'), at('replaced'), { recursive: true });
  const before = snapshot();
  const compiled = await spawnProgram(
    launcher,
    compile(example('lenet.onnx'), '--calibration', example('calibration.npy')),
    {
      env: { TMPDIR: at('tmp') },
      // Progress shows after a second, with seconds of work to go.
      during: (child) => child.stderr?.once('data', () => child.kill('SIGINT')),
    },
  );
  expect(compiled).toMatchObject({ status: 130, stdout: '' });
  const replacing = await spawnProgram(
    launcher,
    ['keygen', at('plan'), '--out', at('replaced'), '--force', '--quiet'],
    {
      env: { TMPDIR: at('tmp') },
      during: (child) => {
        // The temporary file of the evaluation keys grows for seconds.
        const watch = setInterval(() => {
          if (child.exitCode === null && readdirSync(at('replaced')).length < 3) return;
          clearInterval(watch);
          child.kill('SIGTERM');
        }, 10);
      },
    },
  );
  expect(replacing).toEqual({ status: 143, signal: null, stdout: '', stderr: '' });
  expect(snapshot()).toEqual(before);
});

test('X3: a closed pipe, an empty file in the way, blanks in the path', async () => {
  const closed = await spawnProgram(launcher, ['inspect', lola, '--quiet'], {
    during: (child) => child.stdout?.destroy(),
  });
  expect(closed).toMatchObject({ status: 0, stderr: '' });
  expect(folder()).toContain(' ');
  const empty = put('an empty file', '');
  jsonOf(await cipherloom(...encrypt({ output: empty }), '--limit', '1', '--json'));
  expect(statSync(empty).size).toBe(statSync(at('x.ct')).size);
});

test('X3: a path that is not UTF-8 is named, and writes no other file', async () => {
  const before = snapshot();
  const shell = (script: string, ...words: readonly string[]) =>
    spawnProgram('-c', [`cd "$1" && shift && exec "$0" "$@" ${script}`, ...words], {
      node: '/bin/sh',
    });
  const badName = `"$(printf 'x\\377')"`;
  const output = await shell(
    `--out ${badName}`,
    ...[process.execPath, folder(), launcher, ...encrypt().slice(0, -2), '--limit', '1'],
  );
  expect(output).toMatchObject({ status: 2, stdout: '' });
  expect(output.stderr).toMatch(/^error\[USAGE\]: --output: expected a path, in UTF-8/);
  const input = await shell(badName, process.execPath, folder(), launcher, 'inspect');
  expect(input).toMatchObject({ status: 3, stdout: '' });
  expect(input.stderr).toMatch(/^error\[FILE_UNREADABLE\]: x/);
  expect(`${output.stderr}${input.stderr}`).not.toMatch(stackLine);
  expect(snapshot()).toEqual(before);
});

// --- L: plans ---

const sectionStart = 256;
/** The program section and the blobs of a plan file. */
function takeApart(file: Bytes): { message: PlanMessage; blobs: Uint8Array[]; end: number } {
  const end = sectionStart + Number(new DataView(file.buffer).getBigUint64(24, true));
  const message = decodeMessage(file.subarray(sectionStart, end));
  const blobs: Uint8Array[] = [];
  let offset = Math.ceil(end / 64) * 64;
  for (const { bytes } of message.blobs) {
    blobs.push(file.subarray(offset, offset + Number(bytes)));
    offset += Math.ceil(Number(bytes) / 64) * 64;
  }
  return { message, blobs, end };
}

/** The plan with a lie in its program section, its checksums made good. */
function withMessage(change: (message: PlanMessage) => void, producer = currentProducer()): Bytes {
  const { message, blobs } = takeApart(model);
  change(message);
  return writeContainer(producer, encodeMessage(message), blobs);
}

/** The plan with another head, its checksum made good. */
function withHead(change: (head: DataView) => void): Bytes {
  const copy = model.slice();
  change(new DataView(copy.buffer));
  copy.set(createHash('sha256').update(copy.subarray(0, 224)).digest(), 224);
  return copy;
}

let plans = 0;
/** Evaluate with other bytes for model.loom. */
function evaluateWith(bytes: Uint8Array | string): readonly string[] {
  plans++;
  put(join(`plan ${plans}`, 'model.loom'), bytes);
  return evaluate({ plan: at(`plan ${plans}`) });
}

/** Encrypt with another text for client.json. */
function encryptWith(text: string): readonly string[] {
  plans++;
  put(join(`plan ${plans}`, 'client.json'), text);
  return encrypt({ plan: at(`plan ${plans}`) });
}

const lies: readonly (readonly [string, (message: PlanMessage) => void, RegExp])[] = [
  [
    'a huge rotation list',
    ({ keys }) => {
      keys.rotations = Array.from({ length: 65536 }, (_, n) => ({ step: n + 1, primes: 1 }));
    },
    /keys state 65536 rotations/,
  ],
  ['a step outside the ring', ({ keys }) => (keys.rotations[0]!.step = 4096), /keys/],
  ['a step of −N/2', ({ keys }) => (keys.rotations[0]!.step = -4096), /keys/],
  [
    'a later operand',
    ({ operations }) => (operations[3]!.operands = [9]),
    /operation 3 .*reads operation 9/,
  ],
  ['a negative level', ({ operations }) => (operations[2]!.type.level = 2 ** 32 - 1), /level/],
  ['a scale of 0', ({ operations }) => (operations[0]!.type.scale = '0'), /operation 0.*scale/],
  ['a scale of NaN', ({ operations }) => (operations[0]!.type.scale = 'NaN'), /operation 0.*scale/],
  [
    'a prime twice',
    ({ modulus }) => (modulus.primes[0] = modulus.primes[1]!),
    /prime occurs twice/,
  ],
  ['an even prime', ({ modulus }) => (modulus.primes[0] = '4'), /modulus prime 0/],
  [
    'a ring of 2^20',
    ({ modulus }) => (modulus.ringDegree = 2 ** 20),
    /ring degree 1048576, not a power of two/,
  ],
  [
    'a constant of 2^60 numbers',
    ({ constants }) => (constants[0]!.shape = [2 ** 30, 2 ** 30]),
    /constant @/,
  ],
  ['a blob of 2^60 bytes', ({ blobs }) => (blobs[0]!.bytes = String(2 ** 60)), /blob 0/],
];

test('L1: plans that are none, of another version, cut, damaged or lying', async () => {
  const { end } = takeApart(model);
  const half = model.slice(0, model.length >> 1);
  const invalid = (bytes: Uint8Array | string, tells: string | RegExp): Case => [
    evaluateWith(bytes),
    'PLAN_INVALID',
    tells,
    { details: expect.objectContaining({ file: at(`plan ${plans}`, 'model.loom') }) as never },
  ];
  await refuses(3, [
    invalid('', 'not a model.loom'),
    invalid('{"format": 1}', 'not a model.loom'),
    invalid(
      withHead((head) => {
        head.setUint32(8, 2, true);
      }),
      'format version is 2, this build reads 1',
    ),
    invalid(
      withHead((head) => {
        head.setUint32(8, 0, true);
      }),
      'format version is 0, this build reads 1',
    ),
    invalid(half, `file length is ${model.length}, expected ${half.length}`),
    invalid(model.slice(0, -1), 'file length'),
    invalid(longer(model, 64), 'file length'),
    invalid(
      withHead((head) => {
        head.setBigUint64(24, 2n ** 60n, true);
      }),
      'program section',
    ),
    invalid(flipped(model, 40), 'head does not match its checksum'),
    invalid(flipped(model, end - 9), 'program section does not match its checksum'),
    invalid(flipped(model, model.length - 200), 'weights do not match their checksum'),
    ...lies.slice(0, 6).map(([, change, tells]) => invalid(withMessage(change), tells)),
  ]);
  for (const [what, change, tells] of lies) {
    const bytes = withMessage(change);
    await refused(what, () => readPlan(bytes), 'PLAN_INVALID', tells);
  }
});

test('L1: a flipped byte anywhere is found and its part named', async () => {
  const { end } = takeApart(model);
  // Every field of the head, and places all over the rest.
  const head = [
    0, 7, 8, 11, 12, 15, 16, 23, 24, 31, 32, 39, 40, 43, 44, 47, 48, 127, 128, 160, 192, 224, 255,
  ];
  const stride = Math.floor((model.length - 256) / 40);
  const rest = Array.from({ length: 40 }, (_, n) => 256 + n * stride);
  for (const offset of [...head, ...rest, model.length - 1]) {
    const part =
      offset < 8
        ? /magic/
        : offset < 12
          ? /format version/
          : offset < 256
            ? /head/
            : offset < end
              ? /program section/
              : /weights/;
    const bytes = flipped(model, offset);
    await refused(`byte ${offset}`, () => readPlan(bytes), 'PLAN_INVALID', part);
  }
});

test('L1: a client.json that is none, or of another version or plan', async () => {
  const text = readFileSync(at('plan', 'client.json'), 'utf8');
  const other = text.replace(/"planHash": "\w+"/, `"planHash": "${'ab'.repeat(32)}"`);
  const withPrime = (prime: string) => text.replace(client.plan.parameters.primes[0]!, prime);
  const invalid = (changed: string, tells: string | RegExp): Case => [
    encryptWith(changed),
    'PLAN_INVALID',
    tells,
    { details: expect.objectContaining({ file: at(`plan ${plans}`, 'client.json') }) as never },
  ];
  await refuses(3, [
    invalid('', 'client.json'),
    invalid(text.slice(0, 1000), 'JSON'),
    invalid(text.replace('"format": 1', '"format": 2'), 'format'),
    invalid(text.replace('"format": 1', '"format": 0'), 'format'),
    invalid(text.replace('"level": 5', '"level": -1'), 'level'),
    invalid(text.replace('"ringDegree": 8192', '"ringDegree": 1e9'), 'ringDegree'),
    invalid(text.replace(/"scale": \d+/, '"scale": 0'), 'scale'),
    invalid(text.replace(/"slots": \d+/, '"slots": 4095'), 'power of two'),
    invalid(withPrime('1073692671'), 'prime 1073692671 is not 1 modulo 16384'),
    invalid(withPrime(client.plan.parameters.primes[1]!), 'a prime occurs twice'),
    [encryptWith(other), 'SECRET_KEY_INVALID', 'another plan'],
  ]);
  const mixed = at('mixed');
  cpSync(at('plan'), mixed, { recursive: true });
  writeFileSync(join(mixed, 'client.json'), other);
  const both = ['run', mixed, '--input', images, '--limit', '1', '--output', at('earlier.npy')];
  await refuses(3, [
    [both, 'PLAN_MISMATCH', 'ab'.repeat(32)],
    [[...both, '--backend', 'clear'], 'PLAN_MISMATCH', 'ab'.repeat(32)],
  ]);
});

test('L2: security is recomputed, whatever a plan claims', async () => {
  const lying = (file: Bytes, facts: Partial<PlanFacts>) => {
    const plan = readPlan(file);
    return writePlan({ program: plan.program, facts: { ...plan.facts, ...facts } }).bytes;
  };
  const clientText = readFileSync(at('insecure', 'client.json'), 'utf8');
  const foreign = at('foreign', 'evaluation.keys');
  const insecure = (words: readonly string[], limit: number, target = 128): Case => [
    words,
    'PARAMETERS_INSECURE',
    /^.*log2\(QP\) = \d+\.\d+ at ring degree \d+ is above \d+/,
    {
      details: expect.objectContaining({
        limit,
        target,
        logQP: expect.any(Number) as never,
        estimatedBits: expect.any(Number) as never,
      }) as never,
    },
  ];
  await refuses(6, [
    insecure(evaluateWith(lying(insecureModel, { insecure: false })), 106),
    insecure([...evaluateWith(lying(insecureModel, { insecure: false })), '--insecure'], 106),
    insecure(evaluateWith(lying(model, { securityTarget: 192 })), 147, 192),
    insecure(encryptWith(clientText.replace('"insecure": true', '"insecure": false')), 106),
    // An honest stamp is refused too, unless the user says otherwise.
    [evaluate({ plan: at('insecure'), keys: foreign }), 'PARAMETERS_INSECURE', 'stamped insecure'],
    [encrypt({ plan: at('insecure') }), 'PARAMETERS_INSECURE', 'stamped insecure'],
  ]);
});

test('L3: a plan of another build says by whom it was compiled, and what to do', async () => {
  const foreign = 'cipherloom 9.9.9';
  const renamed = (change: (head: DataView) => void) =>
    withHead((head) => {
      new Uint8Array(head.buffer).set(new TextEncoder().encode(foreign.padEnd(80, '\0')), 48);
      change(head);
    });
  const other = (bytes: Bytes, tells: string): Case => [
    evaluateWith(bytes),
    'PLAN_INVALID',
    tells,
    {
      hint: expect.stringContaining(
        `compiled by ${foreign}, this is ${currentProducer()}`,
      ) as never,
    },
  ];
  const features = withMessage((message) => {
    message.producer = foreign;
    message.features = ['bootstrapping'];
  }, foreign);
  await refuses(3, [
    other(
      renamed((head) => {
        head.setUint32(8, 7, true);
      }),
      'format version is 7',
    ),
    other(
      renamed((head) => {
        head.setUint32(40, 0x01020304, false);
      }),
      'byte order',
    ),
    other(
      renamed((head) => {
        head.setUint8(192, head.getUint8(192) ^ 1);
      }),
      'operator table',
    ),
    other(features, 'bootstrapping'),
  ]);
});

// --- J: inputs of the client ---

test('J1: inputs that are no numbers, out of range or of another shape', async () => {
  const image = (value: number, form: 'float32' | 'float64' = 'float32') => {
    const data = form === 'float32' ? new Float32Array(784) : new Float64Array(784);
    data[57] = value;
    return formatNpy({ shape: [1, 1, 28, 28], data });
  };
  const whole = image(0.5);
  const header = (from: string, to: string) => {
    const text = Buffer.from(whole).toString('latin1');
    expect(text).toContain(from);
    return Buffer.from(text.replace(from, to.padEnd(from.length)), 'latin1');
  };
  type Input = readonly [string, Uint8Array, ErrorCode, string];
  const values: readonly Input[] = [
    ['nan', image(NaN), 'INPUT_INVALID', 'not a finite number'],
    ['infinite', image(Infinity), 'INPUT_INVALID', 'not a finite number'],
    ['minus infinite', image(-Infinity, 'float64'), 'INPUT_INVALID', 'not a finite number'],
    ['huge', image(1e300, 'float64'), 'INPUT_INVALID', 'outside the declared range [0, 1]'],
    ['out of range', image(1.001), 'INPUT_INVALID', 'outside the declared range [0, 1]'],
    ['negative', image(-1e-3), 'INPUT_INVALID', 'outside the declared range [0, 1]'],
  ];
  const files: readonly Input[] = [
    [
      'transposed',
      formatNpy({ shape: [784, 2], data: new Float32Array(1568) }),
      'INPUT_INVALID',
      '[784, 2]',
    ],
    [
      'none',
      formatNpy({ shape: [0, 784], data: new Float32Array() }),
      'INPUT_INVALID',
      'holds no image',
    ],
    ['empty', new Uint8Array(), 'DATA_INVALID', 'empty.npy'],
    ['cut', whole.subarray(0, -1), 'DATA_INVALID', 'cut.npy'],
    ['longer', longer(whole, 4), 'DATA_INVALID', 'longer.npy'],
    ['a pickle', header("'<f4'", "'|O'"), 'DATA_INVALID', 'pickled Python objects'],
    ['big-endian', header("'<f4'", "'>f4'"), 'DATA_INVALID', '>f4'],
    ['enormous', header('(1, 1, 28, 28)', '(1048576, 784)'), 'DATA_INVALID', 'enormous.npy'],
  ];
  const named = new Map(
    [...values, ...files].map(([name, bytes]) => [name, put(`${name}.npy`, bytes)]),
  );
  const withInput = ([name, , code, tells]: Input, words: (input: string) => string[]): Case => [
    words(named.get(name)!),
    code,
    tells,
    code === 'INPUT_INVALID' ? { node: 'image' } : { node: named.get(name)! },
  ];
  const located = (entry: Input, words: (input: string) => string[]): Case => {
    const [line, code, tells, expected] = withInput(entry, words);
    return [
      line,
      code,
      tells,
      { ...expected, details: expect.objectContaining({ index: 57 }) as never },
    ];
  };
  const toEncrypt = (input: string) => encrypt({ input });
  const toRun = (input: string) => runClear(at('plan'), input);
  await refuses(3, [
    ...values.map((entry) => located(entry, toEncrypt)),
    ...files.map((entry) => withInput(entry, toEncrypt)),
    ...[values[0]!, values[3]!, values[4]!].map((entry) => located(entry, toRun)),
    ...[files[0]!, files[3]!].map((entry) => withInput(entry, toRun)),
    // The default backend, which would otherwise make keys first.
    located(values[1]!, (input) => ['run', at('plan'), '--input', input]),
  ]);
});

// --- A: parameters ---

test('A1: parameters outside their sets', async () => {
  const invalid = (words: readonly string[], tells: string): Case => [
    compileExample(...words),
    'PARAMETERS_INVALID',
    tells,
  ];
  await refuses(2, [
    invalid(['--ring-degree', '5000'], '--ring-degree 5000: a power of two from 4096 to 65536'),
    invalid(['--ring-degree', '262144'], '--ring-degree 262144: a power of two from 4096 to 65536'),
    invalid(['--prime-bits', '61,40,40,40,40,40,60'], '--prime-bits 61: a prime has 20 to 60 bits'),
  ]);
  // No prime of 20 bits is 1 modulo 2^17.
  const sparse = ['--ring-degree', '65536', '--prime-bits', '60,20,20,20,20,20,60'];
  await refuses(4, [
    [compileExample(...sparse), 'PARAMETERS_INFEASIBLE', '20 bits for ring degree 65536'],
  ]);
});

test('A2: one bit over the table needs --insecure, which stamps every file', async () => {
  const over = ['--ring-degree', '8192', '--prime-bits', '30,30,30,30,30,32,33'];
  await refuses(6, [
    [
      compileExample(...over),
      'PARAMETERS_INSECURE',
      'log2(QP) = 215.00 at ring degree 8192 is above 214',
      {
        details: expect.objectContaining({ ringDegree: 8192, limit: 214, target: 128 }) as never,
        hint: expect.stringContaining('--insecure') as never,
      },
    ],
    [['keygen', at('insecure'), '--out', at('keys of it')], 'PARAMETERS_INSECURE', 'insecure'],
    [encrypt({ plan: at('insecure'), keys: at('foreign') }), 'PARAMETERS_INSECURE', 'insecure'],
    [runClear(at('insecure'), images), 'PARAMETERS_INSECURE', 'insecure'],
  ]);
  await refuses(2, [
    [compileExample('--security', 'none'), 'USAGE', '128, 192, 256', { node: '--security' }],
  ]);
  for (const name of ['client.json', 'report.json', 'client.ts', 'server.ts']) {
    expect(readFileSync(at('insecure', name), 'utf8'), name).toMatch(/insecure/i);
  }
  expect(readPlan(insecureModel).facts.insecure).toBe(true);
  expect(readPlan(insecureModel).securityBits).toBeLessThan(128);
});

test('A3: scales too small for the precision, values too large for the modulus', async () => {
  const small = ['--ring-degree', '16384', '--prime-bits', '50,22,22,22,22,22,50'];
  await refuses(4, [
    [
      compileExample(...small),
      'PRECISION_UNREACHABLE',
      /-?\d+\.\d bits of precision/,
      {
        node: 'logits',
        details: expect.objectContaining({
          wanted: 12,
          missing: expect.any(Number) as never,
        }) as never,
        hint: expect.stringMatching(/--prime-bits by \d+/) as never,
      },
    ],
    [
      compileExample('--input-range', '0,1e300'),
      'RANGE_TOO_LARGE',
      /at scale 2\^\d+.* need \d+/,
      {
        node: expect.any(String) as never,
        details: expect.objectContaining({ missingBits: expect.any(Number) as never }) as never,
      },
    ],
  ]);
});

// --- B: ciphertexts ---

const blobAt = { inputs: 72 + 16 + 'image'.length, outputs: 72 + 16 + 'logits'.length };
type Damage = (blob: Uint8Array, view: DataView) => void;

/** Make the checksum of a changed container good. */
function sealed(bytes: Bytes): Bytes {
  const body = bytes.length - 32;
  bytes.set(createHash('sha256').update(bytes.subarray(0, body)).digest(), body);
  return bytes;
}

/** A container with other fields, its checksum made good. */
function withFields(bytes: Bytes, change: (view: DataView) => void): Bytes {
  const copy = bytes.slice();
  change(new DataView(copy.buffer));
  return sealed(copy);
}

/** A container whose ciphertext is damaged, its checksum made good. */
function withBlob(kind: 'inputs' | 'outputs', change: Damage): Bytes {
  const copy = read(kind === 'inputs' ? 'x.ct' : 'y.ct');
  const blob = copy.subarray(blobAt[kind], -32);
  change(blob, new DataView(blob.buffer, blob.byteOffset, blob.byteLength));
  return sealed(copy);
}

/** SEAL's fields in a ciphertext, and what a server and a client must say of each. */
const fields: Readonly<Record<string, readonly (readonly [string, Damage, RegExp])[]>> = {
  B1: [
    ['magic', (blob) => (blob[0] = 0), /magic number is 0, expected 94/],
    ['header size 0', (blob) => (blob[2] = 0), /header size is 0, expected 16/],
    ['version 4.4', (blob) => (blob[4] = 4), /minor version is 4, expected 1/],
    [
      'version 3.6',
      (blob) => {
        blob.set([3, 6], 3);
      },
      /major version is 3, expected 4/,
    ],
    ['compression 7', (blob) => (blob[5] = 7), /compression mode is 7, expected 0/],
    [
      'length 0',
      (_, view) => {
        view.setBigUint64(8, 0n, true);
      },
      /length is 0, expected/,
    ],
    [
      'length 2^60',
      (_, view) => {
        view.setBigUint64(8, 2n ** 60n, true);
      },
      /length is 1152921504606846976/,
    ],
  ],
  B2: [
    ['zlib', (blob) => (blob[5] = 1), /compression mode is 1, expected 0/],
    ['zstd', (blob) => (blob[5] = 2), /compression mode is 2, expected 0/],
    [
      'an array of 2^60 words',
      (_, view) => {
        view.setBigUint64(105, 2n ** 60n, true);
      },
      /coefficients is/,
    ],
  ],
  B4: [NaN, -1, 1e300, 0.5, 0, Infinity].map((scale) => [
    `scale ${scale}`,
    (_, view) => {
      view.setFloat64(73, scale, true);
    },
    new RegExp(`scale is ${String(scale).replace('+', '\\+')}, expected \\d+`),
  ]),
  B5: [
    ['not in NTT form', (blob) => (blob[48] = 0), /NTT flag is 0, expected 1/],
    [
      'three polynomials',
      (_, view) => {
        view.setBigUint64(49, 3n, true);
      },
      /polynomials is 3, expected 2/,
    ],
    [
      'half the ring',
      (_, view) => {
        view.setBigUint64(57, 4096n, true);
      },
      /ring degree is 4096, expected 8192/,
    ],
    [
      'more primes',
      (_, view) => {
        view.setBigUint64(65, 7n, true);
      },
      /primes is 7, expected/,
    ],
    [
      'no primes',
      (_, view) => {
        view.setBigUint64(65, 0n, true);
      },
      /primes is 0, expected/,
    ],
    ['a parms_id of nothing', (blob) => blob.fill(7, 16, 48), /parms_id .* is 0707/],
  ],
};

/** What evaluate and decrypt say of damaged ciphertexts: one through each command, all by the library. */
async function refusesFields(row: 'B1' | 'B2' | 'B4' | 'B5'): Promise<void> {
  for (const [name, change, tells] of fields[row]!) {
    const request = withBlob('inputs', change);
    await refused(name, () => session.run(request), 'CIPHERTEXT_INVALID', tells);
    const response = withBlob('outputs', change);
    await refused(name, () => client.decrypt(response), 'CIPHERTEXT_INVALID', tells);
  }
  const [, change, tells] = fields[row]!.at(-1)!;
  const request = put(`${row} request.ct`, withBlob('inputs', change));
  const response = put(`${row} response.ct`, withBlob('outputs', change));
  const expected = (file: string) => ({
    details: expect.objectContaining({ file, field: expect.any(String) as never }) as never,
  });
  await refuses(3, [
    [evaluate({ input: request }), 'CIPHERTEXT_INVALID', tells, expected(request)],
    [decrypt({ input: response }), 'CIPHERTEXT_INVALID', tells, expected(response)],
  ]);
}

test('B1: ciphertext files that are empty, cut, or of another kind or version', async () => {
  const x = read('x.ct');
  const y = read('y.ct');
  const truncated = new RegExp(`bytes, expected ${x.length}`);
  type Damaged = readonly [string, Bytes, ErrorCode, RegExp];
  const version = (view: DataView) => {
    view.setUint32(8, 2, true);
  };
  const damaged: readonly Damaged[] = [
    ['empty', x.slice(0, 0), 'CIPHERTEXT_INVALID', /not a ciphertext file/],
    ['one byte', x.slice(0, 1), 'CIPHERTEXT_TRUNCATED', /1 bytes, expected at least/],
    ['half', x.slice(0, x.length >> 1), 'CIPHERTEXT_TRUNCATED', truncated],
    ['less one', x.slice(0, -1), 'CIPHERTEXT_TRUNCATED', truncated],
    ['magic', flipped(x, 3), 'CIPHERTEXT_INVALID', /not a ciphertext file/],
    ['version', withFields(x, version), 'CIPHERTEXT_INVALID', /format version is 2, expected 1/],
    ['results', y, 'CIPHERTEXT_INVALID', /kind .* is 2, expected 1/],
    ['flipped', flipped(x, x.length >> 1), 'CIPHERTEXT_INVALID', /checksum does not match/],
  ];
  await refuses(
    3,
    damaged.map(([name, bytes, code, tells]) => {
      const input = put(`B1 ${name}.ct`, bytes);
      return [
        evaluate({ input }),
        code,
        tells,
        { details: expect.objectContaining({ file: input }) as never },
      ];
    }),
  );
  for (const length of [8, 16, 71, 72, 93, 103, x.length - 32]) {
    await refused(
      `${length} bytes`,
      () => session.run(x.slice(0, length)),
      'CIPHERTEXT_TRUNCATED',
      /bytes/,
    );
  }
  await refusesFields('B1');
});

test('B2: compressed ciphertexts are refused without inflating', async () => {
  await refusesFields('B2');
  // The lengths of a bomb: a small ciphertext that says it is compressed.
  const x = read('x.ct');
  const small = withFields(x.slice(0, 33_000), (view) => {
    view.setBigUint64(48, 33_000n, true);
    view.setBigUint64(80, BigInt(33_000 - blobAt.inputs - 32), true);
    view.setUint8(blobAt.inputs + 5, 2);
  });
  await refuses(3, [
    [evaluate({ input: put('bomb.ct', small) }), 'CIPHERTEXT_TRUNCATED', '33000 bytes, expected'],
  ]);
});

test('B3: trailing garbage', async () => {
  const x = read('x.ct');
  const y = read('y.ct');
  // Garbage that the length field and the checksum own up to.
  const stated = withFields(longer(x, 1000), (view) => {
    view.setBigUint64(48, BigInt(x.length + 1000), true);
    view.setBigUint64(80, view.getBigUint64(80, true) + 1000n, true);
  });
  const expected = `bytes, expected ${x.length}`;
  await refuses(3, [
    [evaluate({ input: put('one more.ct', longer(x, 1)) }), 'CIPHERTEXT_TRUNCATED', expected],
    [evaluate({ input: put('stated.ct', stated) }), 'CIPHERTEXT_TRUNCATED', expected],
    [
      decrypt({ input: put('more.ct', longer(y, 4096)) }),
      'CIPHERTEXT_TRUNCATED',
      `expected ${y.length}`,
    ],
  ]);
});

test('B4: scales that are not the plan’s, to the last bit', async () => {
  await refusesFields('B4');
});

test('B5: another form, size, level or parameters', async () => {
  await refusesFields('B5');
  // The parameters of another level of the same plan, and of the keys.
  const y = read('y.ct');
  const level0 = y.subarray(blobAt.outputs + 16, blobAt.outputs + 48);
  const request = withBlob('inputs', (blob) => {
    blob.set(level0, 16);
  });
  const form = (view: DataView) => {
    view.setBigUint64(80, view.getBigUint64(80, true) - 8n * 8192n, true);
  };
  await refuses(3, [
    [evaluate({ input: put('level 0.ct', request) }), 'CIPHERTEXT_INVALID', /parms_id .*expected/],
    [
      evaluate({ input: put('one prime less.ct', withFields(read('x.ct'), form)) }),
      'CIPHERTEXT_INVALID',
      /a ciphertext of image has \d+ bytes, expected \d+/,
    ],
  ]);
});

test('B8: results of another plan, level, scale, count or size', async () => {
  const y = read('y.ct');
  const x = read('x.ct');
  const plan = (view: DataView) => {
    for (let n = 16; n < 48; n++) view.setUint8(n, 0xab);
  };
  const parmsId = x.slice(blobAt.inputs + 16, blobAt.inputs + 48);
  const level = withBlob('outputs', (blob) => {
    blob.set(parmsId, 16);
  });
  const scale = withBlob('outputs', (_, view) => {
    view.setFloat64(73, view.getFloat64(73, true) * (1 + 2 ** -52), true);
  });
  const transparent = withBlob('outputs', (blob) => blob.fill(0, 113 + 8 * 8192));
  const result = (name: string, bytes: Bytes, code: ErrorCode, tells: string | RegExp): Case => {
    const input = put(`B8 ${name}.ct`, bytes);
    return [
      decrypt({ input }),
      code,
      tells,
      { details: expect.objectContaining({ file: input }) as never },
    ];
  };
  await refuses(3, [
    result('plan', withFields(y, plan), 'PLAN_MISMATCH', 'plan abababababab'),
    result('level', level, 'CIPHERTEXT_INVALID', 'parms_id'),
    result('scale', scale, 'CIPHERTEXT_INVALID', 'scale is'),
    result('transparent', transparent, 'CIPHERTEXT_INVALID', 'transparent'),
    result(
      'images',
      withFields(y, (view) => {
        view.setUint32(56, 2, true);
      }),
      'CIPHERTEXT_INVALID',
      'number of executions is 1, expected 2',
    ),
    result(
      'count',
      withFields(y, (view) => {
        view.setUint32(76, 2, true);
      }),
      'CIPHERTEXT_INVALID',
      'number of ciphertexts of logits is 2, expected 1',
    ),
    result(
      'no image',
      withFields(y, (view) => {
        view.setUint32(56, 0, true);
      }),
      'CIPHERTEXT_INVALID',
      'number of images is 0',
    ),
    result('oversize', longer(y, 2 ** 22), 'CIPHERTEXT_TRUNCATED', `expected ${y.length}`),
    result('request', x, 'CIPHERTEXT_INVALID', /kind/),
  ]);
  // After all that, what is good still decrypts.
  const { logits } = await client.decrypt(y);
  expect(logits?.data.indexOf(Math.max(...logits.data))).toBe(7);
});

// --- K: evaluation keys ---

/** A bundle with another head, its checksum made good. */
function withKeyHead(bytes: Bytes, change: (view: DataView) => void): Bytes {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  change(view);
  const end = 104 + 32 * new DataView(bytes.buffer).getUint32(96, true);
  copy.set(createHash('sha256').update(copy.subarray(0, end)).digest(), end);
  return copy;
}

test('K2: keys of another plan, other parameters or another ring', async () => {
  const keys = read('keys', 'evaluation.keys');
  const foreignKeys = at('foreign', 'evaluation.keys');
  const planHash = withKeyHead(keys, (view) => {
    for (let n = 16; n < 48; n++) view.setUint8(n, 0xab);
  });
  const digest = withKeyHead(keys, (view) => {
    for (let n = 48; n < 80; n++) view.setUint8(n, 0xcd);
  });
  const hash = createHash('sha256').update(model).digest('hex');
  const mismatch = (file: string, tells: string, got: string): Case => [
    evaluate({ keys: file }),
    'KEYS_MISMATCH',
    tells,
    {
      node: file,
      details: expect.objectContaining({
        file,
        got,
        expected: expect.stringMatching(/^[0-9a-f]{64}$/) as never,
      }) as never,
      hint: expect.stringContaining('keygen') as never,
    },
  ];
  const insecureHash = createHash('sha256').update(insecureModel).digest('hex');
  // Keys for half the ring that claim to be for this plan.
  const half = withKeyHead(read('foreign', 'evaluation.keys'), (view) => {
    Buffer.from(hash, 'hex').forEach((byte, n) => {
      view.setUint8(16 + n, byte);
    });
  });
  const halfDigest = Buffer.from(half.subarray(48, 80)).toString('hex');
  await refuses(3, [
    mismatch(foreignKeys, 'another plan', insecureHash),
    mismatch(put('K2 plan.keys', planHash), 'another plan', 'ab'.repeat(32)),
    mismatch(put('K2 digest.keys', digest), 'other parameters', 'cd'.repeat(32)),
    mismatch(put('K2 half.keys', half), '(ring degree 4096, expected 8192)', halfDigest),
    [encrypt({ keys: at('foreign') }), 'SECRET_KEY_INVALID', at('foreign', 'secret.key')],
  ]);
});

test('K3: keys that are cut, longer, flipped, or state huge numbers', async () => {
  const keys = read('keys', 'evaluation.keys');
  const { length } = keys;
  const view = new DataView(keys.buffer);
  const entries = Array.from({ length: view.getUint32(96, true) }, (_, n) => ({
    primes: view.getUint32(104 + 32 * n + 8, true),
    start: Number(view.getBigUint64(104 + 32 * n + 16, true)),
    bytes: Number(view.getBigUint64(104 + 32 * n + 24, true)),
  }));
  const [first] = entries;

  // A coefficient that is not below its prime, with a good checksum.
  const unreduced = keys.slice();
  const payload = unreduced.subarray(first!.start, first!.start + first!.bytes);
  payload.fill(0xff, 64 * first!.primes, 64 * first!.primes + 8);
  unreduced.set(createHash('sha256').update(payload).digest(), first!.start + first!.bytes);

  const exactly = `expected exactly ${length}`;
  const invalid = (name: string, bytes: Bytes, tells: string | RegExp): Case => {
    const file = put(join('K3', `${name}.keys`), bytes);
    return [
      evaluate({ keys: file }),
      'KEYS_INVALID',
      tells,
      { details: expect.objectContaining({ file }) as never },
    ];
  };
  const head = (change: (view: DataView) => void) => withKeyHead(keys, change);
  await refuses(3, [
    invalid('empty', keys.slice(0, 0), 'the file has 0 bytes'),
    invalid('one byte', keys.slice(0, 1), 'the file has 1 bytes'),
    invalid('half', keys.slice(0, length >> 1), exactly),
    invalid('less one', keys.slice(0, -1), exactly),
    invalid('one more', longer(keys, 1), exactly),
    invalid('flipped head', flipped(keys, 110), 'the checksum of the head'),
    invalid(
      'flipped key',
      flipped(keys, first!.start + 5000),
      /the checksum of \w+ -?\d+ does not/,
    ),
    invalid('unreduced', unreduced, /coefficient 0 of digit 0 of \w+ -?\d+ is not below/),
    invalid(
      'a million',
      head((h) => {
        h.setUint32(96, 1e6, true);
      }),
      '1000000 keys are more than',
    ),
    invalid(
      'all ones',
      head((h) => {
        h.setUint32(96, 2 ** 32 - 1, true);
      }),
      '4294967295 keys',
    ),
    invalid(
      '2^60 bytes',
      head((h) => {
        h.setBigUint64(88, 2n ** 60n, true);
      }),
      exactly,
    ),
    invalid(
      'version',
      head((h) => {
        h.setUint32(8, 2, true);
      }),
      'format version is 2',
    ),
    invalid('secret', read('keys', 'secret.key'), 'this is a secret key; it was not stored'),
  ]);
  rmSync(at('K3'), { recursive: true });

  // Flips all over: in the head, else in the key that is read.
  const { planHash, parameters } = client.plan;
  const binding = { planHash, parameters: readSealParameters(parameters) };
  const spread = Array.from({ length: 40 }, (_, n) => first!.start + 77 + n * 550_000);
  for (const offset of [0, 8, 12, 16, 48, 80, 84, 88, 96, 104, 112, 120, ...spread]) {
    if (offset >= length) continue;
    keys[offset]! ^= 4;
    const hit = entries.findIndex(({ start, bytes }) => offset < start + bytes + 64);
    await refused(
      `byte ${offset}`,
      async () => {
        const opened = await EvaluationKeys.open(memorySource(keys), binding);
        await opened.read(opened.requests[hit]!);
      },
      'KEYS_INVALID',
      /evaluation keys: /,
    );
    keys[offset]! ^= 4;
  }
});

// --- M: models ---

/** One Relu from x to y, changed by the test. */
const simple: TestModel = {
  inputs: { x: [1, 4] },
  outputs: ['y'],
  nodes: [{ op: 'Relu', name: 'act', inputs: ['x'], outputs: ['y'] }],
};
const putModel = (name: string, changes: Partial<TestModel>) =>
  put(`${name}.onnx`, encodeModel({ ...simple, ...changes }));

test('M1: files that are no models', async () => {
  const random = Uint8Array.from({ length: 4096 }, (_, k) => (k * 7919 + 13) % 251);
  const notAModel = (name: string, content: Uint8Array | string): Case => {
    const file = put(`M1 ${name}.onnx`, content);
    return [compile(file), 'MODEL_INVALID', `not an ONNX model: ${file}, byte `];
  };
  await refuses(3, [
    notAModel('empty', ''),
    notAModel('one byte', 'B'),
    notAModel('text', '# lola\n'),
    notAModel('random', random),
    [['inspect', put('M1 inspect.onnx', random)], 'MODEL_INVALID', 'not an ONNX model'],
    [compile(at('absent.onnx')), 'FILE_UNREADABLE', at('absent.onnx')],
  ]);
  // As text: one error with place, help and explanation, and no stack.
  const { status, stdout, stderr } = await cipherloom(...compile(at('M1 random.onnx')), '--quiet');
  expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
  expect(stderr).toMatch(/^error\[MODEL_INVALID\]: not an ONNX model: .*\n {2}--> .*\n/);
  expect(stderr).toMatch(/\n {2}explain: cipherloom explain MODEL_INVALID\n$/);
  expect(stderr.match(/error\[/g)).toHaveLength(1);
  expect(stderr).not.toMatch(stackLine);
});

test('M2: truncated inside a tensor', async () => {
  const bytes = readFileSync(lola);
  const cut = (length: number): Case => {
    const file = put(`M2 ${length}.onnx`, bytes.subarray(0, length));
    return [
      compile(file),
      'MODEL_INVALID',
      new RegExp(
        `^damaged ONNX model: .*, byte \\d+, .*initializer\\[\\d+\\] "[\\w.]+": raw_data needs \\d+ bytes, only \\d+ are left$`,
      ),
      {
        node: expect.any(String) as never,
        details: expect.objectContaining({
          offset: expect.any(Number) as never,
          expected: expect.stringMatching(/^\d+$/) as never,
          actual: expect.any(Number) as never,
        }) as never,
      },
    ];
  };
  await refuses(3, [cut(20_000), cut(200_000)]);
});

test('M3: lengths of 2^63, numbers of eleven bytes', async () => {
  const huge = Uint8Array.of(8, 8, 0x3a, ...new Array<number>(8).fill(0xff), 0x7f, 1, 2, 3);
  const eleven = Uint8Array.of(8, ...new Array<number>(11).fill(0x80), 1);
  await refuses(3, [
    [compile(put('M3 huge.onnx', huge)), 'MODEL_INVALID', /byte \d+/],
    [compile(put('M3 eleven.onnx', eleven)), 'MODEL_INVALID', 'a number has more than 10 bytes'],
  ]);
});

test('M9: graphs that are none', async () => {
  const relu = (name: string, from: string, to: string) => ({
    op: 'Relu',
    name,
    inputs: [from],
    outputs: [to],
  });
  const graph = (name: string, changes: Partial<TestModel>, tells: string): Case => [
    compile(putModel(`M9 ${name}`, changes)),
    'MODEL_INVALID',
    tells,
  ];
  await refuses(3, [
    graph(
      'cycle',
      { nodes: [relu('first', 'y', 'b'), relu('second', 'b', 'y')] },
      'the graph has a cycle: node "second" reads "b" of node "first"',
    ),
    graph('dangling', { nodes: [relu('act', 'nowhere', 'y')] }, 'node "act" reads "nowhere"'),
    graph('no output', { outputs: ['z'] }, '"z"'),
    graph(
      'two producers',
      { nodes: [relu('first', 'x', 'y'), relu('second', 'x', 'y')] },
      '"y" is made twice: by node "first" and by node "second"',
    ),
  ]);
});

test('M10: what cannot be compiled is listed, all of it, with a way out', async () => {
  const model = putModel('M10', {
    inputs: { x: ['batch', 4, 'width'], z: [1, 4, 8] },
    valueInfo: { e: [1, 4, 8] },
    domains: { 'com.example': 1 },
    nodes: [
      { op: 'LRN', name: 'norm', inputs: ['z'], outputs: ['e'] },
      { op: 'If', name: 'choice', inputs: ['e'], outputs: ['i'] },
      { op: 'Loop', name: 'again', inputs: ['i'], outputs: ['l'] },
      { op: 'Magic', name: 'custom', domain: 'com.example', inputs: ['l'], outputs: ['m'] },
      { op: 'Sum', name: 'all', inputs: ['m', 'e', 'x'], outputs: ['y'] },
    ],
  });
  const listed = ['x', 'norm', 'choice', 'again', 'custom'];
  const old = putModel('M10 old', { opset: 1 });
  await refuses(4, [
    [
      compile(model),
      'MODEL_UNSUPPORTED',
      new RegExp(listed.map((name) => `\\n {2}${name} \\(`).join('[^]*')),
      {
        details: expect.objectContaining({
          nodes: listed.map((name) => expect.objectContaining({ name }) as unknown),
        }) as never,
      },
    ],
    [compile(old), 'MODEL_UNSUPPORTED', 'it has opset 1, 6 to 24 can be read'],
  ]);
});

test('M11: weights that are NaN, infinite, beyond float32 or of another type', async () => {
  const weights = (data: readonly number[], type: 'float32' | 'float64' = 'float32') =>
    encodeModel({
      ...simple,
      inputs: { x: [1, 2] },
      initializers: { w: { dims: [2, 2], data, type } },
      nodes: [{ op: 'MatMul', name: 'dense', inputs: ['x', 'w'], outputs: ['y'] }],
    });
  const bad = (name: string, bytes: Uint8Array, tells: string): Case => [
    compile(put(`M11 ${name}.onnx`, bytes)),
    'MODEL_INVALID',
    tells,
    { node: 'w' },
  ];
  await refuses(3, [
    bad('nan', weights([1, 2, NaN, 4]), 'tensor "w" [2,2]: element 2 is NaN'),
    bad('infinite', weights([1, -Infinity, 3, 4]), 'tensor "w" [2,2]: element 1 is -Infinity'),
    bad('huge', weights([1, 1e300, 3, 4], 'float64'), 'element 1 is 1e+300'),
  ]);
  // float8: its code in the place of float32's, behind the dims.
  const quarter = weights([1, 2, 3, 4]);
  const type = Buffer.from(quarter).indexOf(Uint8Array.of(2, 2, 0x10, 1));
  expect(type).toBeGreaterThan(0);
  quarter[type + 3] = 17;
  await refuses(4, [
    [
      compile(put('M11 float8.onnx', quarter)),
      'MODEL_UNSUPPORTED',
      '"w" has elements of type float8e4m3fn',
    ],
  ]);
  for (const read of ['float16', 'bfloat16', 'float64', 'int8'] as const) {
    const initializers = { w: { dims: [2, 2], data: [1, 2, 3, 4], type: read } };
    const nodes = [{ op: 'MatMul', name: 'dense', inputs: ['x', 'w'], outputs: ['y'] }];
    const file = putModel(`M11 ${read}`, { inputs: { x: [1, 2] }, initializers, nodes });
    expect(jsonOf(await cipherloom('inspect', file, '--json'))).toMatchObject({ supported: true });
  }
});

test('M12: a kernel and a row of zeros give the bias', async () => {
  const zeros = (count: number) => new Array<number>(count).fill(0);
  const model = put(
    'M12.onnx',
    encodeModel({
      inputs: { x: [1, 1, 3, 3] },
      outputs: ['y'],
      initializers: {
        k: { dims: [2, 1, 2, 2], data: [...zeros(4), 0.25, 0.25, 0.25, 0.25] },
        b: { dims: [2], data: [0.5, -0.5] },
        w: { dims: [2, 8], data: [...zeros(8), ...zeros(4), 0.5, 0.5, 0.5, 0.5] },
        c: { dims: [2], data: [0.75, 0.25] },
      },
      nodes: [
        { op: 'Conv', name: 'conv', inputs: ['x', 'k', 'b'], outputs: ['h'] },
        { op: 'Mul', name: 'square', inputs: ['h', 'h'], outputs: ['s'] },
        { op: 'Flatten', name: 'flat', inputs: ['s'], outputs: ['f'] },
        {
          ...{ op: 'Gemm', name: 'dense', inputs: ['f', 'w', 'c'], outputs: ['y'] },
          attributes: { transB: 1 },
        },
      ],
    }),
  );
  const compiled = ['compile', model, '-o', at('M12'), '--input-range', '0,1'];
  jsonOf(await cipherloom(...compiled, '--silence', 'CALIBRATION_SYNTHETIC', '--json'));
  const input = put('M12.npy', formatNpy({ shape: [1, 9], data: new Float32Array(9).fill(1) }));
  const { outputs } = jsonOf(await cipherloom('run', at('M12'), '--input', input, '--json'));
  const [row] = (outputs as { y: number[][] }).y;
  // The zero row of the Gemm has only its bias; the other is 4 · 0.5 · (1 − 0.5)² + 0.25.
  expect(row![0]).toBeCloseTo(0.75, 2);
  expect(row![1]).toBeCloseTo(0.75, 2);
  const allZero = put(
    'M12 zero.onnx',
    encodeModel({
      ...simple,
      initializers: {
        w: { dims: [2, 4], data: zeros(8) },
        c: { dims: [2], data: [7, -3] },
      },
      nodes: [
        {
          ...{ op: 'Gemm', name: 'dense', inputs: ['x', 'w', 'c'], outputs: ['y'] },
          attributes: { transB: 1 },
        },
      ],
    }),
  );
  jsonOf(
    await cipherloom('compile', allZero, '-o', at('M12 zero'), '--input-range', '0,1', '--json'),
  );
  const four = put('M12 zero.npy', formatNpy({ shape: [1, 4], data: new Float32Array(4).fill(1) }));
  const ran = jsonOf(await cipherloom('run', at('M12 zero'), '--input', four, '--json'));
  const [bias] = (ran.outputs as { y: number[][] }).y;
  expect(bias![0]).toBeCloseTo(7, 2);
  expect(bias![1]).toBeCloseTo(-3, 2);
});

test('M14: a model deeper than the largest ring', async () => {
  const depth = 70;
  const deep = putModel('M14', {
    nodes: Array.from({ length: depth }, (_, k) => {
      const value = k === 0 ? 'x' : `v${k}`;
      const made = k === depth - 1 ? 'y' : `v${k + 1}`;
      return { op: 'Mul', name: `square${k}`, inputs: [value, value], outputs: [made] };
    }),
  });
  await refuses(4, [
    [
      compile(deep, '--input-range', '0,1'),
      'LEVELS_EXHAUSTED',
      /levels/,
      {
        node: expect.stringMatching(/^square\d+$/) as never,
        details: expect.objectContaining({
          levelsNeeded: expect.any(Number) as never,
          levelsAvailable: expect.any(Number) as never,
          ringDegree: 65536,
        }) as never,
      },
    ],
  ]);
});
