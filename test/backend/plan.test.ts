import { createHash } from 'node:crypto';
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { clientPlan, clientPlanText } from '../../src/backend/plan/client-plan.ts';
import { planHash, writeContainer } from '../../src/backend/plan/container.ts';
import { decodeMessage, encodeMessage, type PlanMessage } from '../../src/backend/plan/message.ts';
import { decodeNumbers, encodeNumbers } from '../../src/backend/plan/numbers.ts';
import type { Plan, PlanFacts } from '../../src/backend/plan/plan.ts';
import { currentProducer } from '../../src/backend/plan/producer.ts';
import { loadPlan, readPlan } from '../../src/backend/plan/read-plan.ts';
import { planSchema } from '../../src/backend/plan/schema.ts';
import { writePlan } from '../../src/backend/plan/write-plan.ts';
import { readClientPlan } from '../../src/client/index.ts';
import { CipherloomError } from '../../src/errors.ts';
import { mapFromEntries } from '../../src/ir/linear-map.ts';
import { printProgram } from '../../src/ir/print.ts';
import type { Program } from '../../src/ir/program.ts';
import { randomSource, randomValues } from '../support/random.ts';
import { batchLayout, denseMap, rowLayout, toyBuilder, toyModulus } from './toy-ckks.ts';

const modulus = toyModulus(2048, 3);
const slots = 1024;

const facts: PlanFacts = {
  producer: currentProducer(),
  modelDigest: createHash('sha256').update('model').digest('hex'),
  securityTarget: 128,
  insecure: true,
  precisionBits: 13.5,
  peakCiphertextBytes: 1_000_000,
  rangeEscape: null,
};

/** Every operator, several layouts, ranges and locations. */
function sampleProgram(): Program {
  const random = randomSource(7);
  const toy = toyBuilder(modulus, 'sample');
  const row = rowLayout(12, slots);
  const copies = {
    ...row,
    digits: [
      ...row.digits,
      { of: 'copy' as const, size: 4, step: 0, place: 'slot' as const, stride: 16 },
    ],
  };
  const x = toy.input('image "x"', { ...row, unused: { kind: 'unknown', bound: 0.25 } }, 3, [0, 1]);
  const dense = denseMap(Array.from({ length: 12 }, () => [...randomValues(random, 12)]));
  const a = toy.rescale(
    toy.linear([x], [dense], copies, { giantStep: 4, fold: { step: 64, count: 4 } }),
  );
  const b = toy.square(toy.addConstant(a, [...randomValues(random, 12)]));
  const c = toy.levelDrop(toy.multiplyConstant(x, [0.1]), 1);
  const d = toy.rescale(toy.linear([b, c], [dense, dense], row));
  const e = toy.rescale(toy.linear([c], [mapFromEntries([1, 12], [1, 12], [], [], [])], row));
  const sum = toy.builder.add(
    'ckks.add',
    [d, e],
    {},
    { location: 'add é', range: { lo: -3, hi: 4.5, source: 'calibrated' } },
  );
  const difference = toy.builder.add('ckks.sub', [sum, e], {});
  return toy.builder.finish([
    {
      name: 'probabilities',
      value: difference,
      postprocess: [
        { op: 'softmax', axis: 1 },
        { op: 'argMax', axis: -1, keepDims: false },
      ],
    },
    { name: 'sum', value: sum, postprocess: [] },
  ]);
}

const sample: Plan = { program: sampleProgram(), facts };
const written = writePlan(sample);

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (!(error instanceof CipherloomError)) throw error;
    return error.code;
  }
}

const sectionEnd = 256 + Number(new DataView(written.bytes.buffer).getBigUint64(24, true));
const section = written.bytes.subarray(256, sectionEnd);

/** The file with another program section, its checksums made good. */
function withSection(changed: Uint8Array, producer = currentProducer()): Uint8Array {
  const blobs: Uint8Array[] = [];
  let offset = Math.ceil(sectionEnd / 64) * 64;
  for (const { bytes } of decodeMessage(section).blobs) {
    blobs.push(written.bytes.subarray(offset, offset + Number(bytes)));
    offset += Math.ceil(Number(bytes) / 64) * 64;
  }
  return writeContainer(producer, changed, blobs);
}

/** The file with another message. */
function withMessage(change: (message: PlanMessage) => void): Uint8Array {
  const message = decodeMessage(section);
  change(message);
  return withSection(encodeMessage(message));
}

/** Make the checksum of a changed head good. */
function resealHead(bytes: Uint8Array): void {
  bytes.set(createHash('sha256').update(bytes.subarray(0, 224)).digest(), 224);
}

describe('plan files', () => {
  it('round trip: the same program text and facts', () => {
    const plan = readPlan(written.bytes);
    expect(printProgram(plan.program)).toBe(printProgram(sample.program));
    expect(plan.facts).toEqual(facts);
    expect(plan.hash).toBe(createHash('sha256').update(written.bytes).digest('hex'));
    expect(plan.hash).toBe(written.hash);
    expect(writePlan(plan).bytes).toEqual(written.bytes);
    expect(plan.logQP).toBeCloseTo(50 + 3 * 40 + 58, 2);
    expect(plan.securityBits).toBeLessThan(60);
  });

  it('round trip: random programs in all kinds of layout', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.constantFrom(1, 0.1, 1000, 2 ** -30),
        (seed, size, batch, spread) => {
          const random = randomSource(seed);
          const toy = toyBuilder(modulus, `p${size}`);
          const layout = batch ? batchLayout(size, slots) : rowLayout(size, slots);
          const x = toy.input('x', layout, 2);
          const values = Float64Array.from({ length: size }, () => spread * (2 * random() - 1));
          const y = toy.addConstant(toy.square(x), [...values]);
          const plan = { program: toy.finish({ y }), facts: { ...facts, rangeEscape: random() } };
          const { bytes } = writePlan(plan);
          const read = readPlan(bytes);
          expect(printProgram(read.program)).toBe(printProgram(plan.program));
          expect(read.facts).toEqual(plan.facts);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a ciphertext for each number of an image of 512 × 512 × 1, with 1,024 images', () => {
    const size = 512 ** 2 + 1;
    const toy = toyBuilder(modulus);
    const x = toy.input('x', batchLayout(size, slots), 1);
    const last = mapFromEntries([1, size], [1, 1], [0], [size - 1], [0.5]);
    const y = toy.rescale(toy.linear([x], [last], batchLayout(1, slots)));
    const { bytes } = writePlan({ program: toy.finish({ y }), facts });
    const [read] = readPlan(bytes).program.operations;
    expect(read?.type).toMatchObject({ layout: { ciphertexts: size, slots } });
  });

  it('is deterministic, and keeps each weight once', () => {
    expect(writePlan({ program: sampleProgram(), facts }).bytes).toEqual(written.bytes);
    // 144 float32 weights, shared by three maps.
    expect(written.bytes.length).toBeLessThan(144 * 4 + 3500);
    const size = 300;
    const random = randomSource(3);
    const toy = toyBuilder(modulus);
    const x = toy.input('x', rowLayout(size, slots), 1);
    const dense = denseMap(Array.from({ length: size }, () => [...randomValues(random, size)]));
    const y = toy.linear([x], [dense], rowLayout(size, slots), { giantStep: 16, fold: null });
    const { bytes } = writePlan({ program: toy.finish({ y }), facts });
    expect(bytes.length - 4 * size * size).toBeLessThan(12_000);
  });

  it('keeps the schema of the .proto file', async () => {
    const text = await readFile(
      new URL('../../src/backend/plan/plan.proto', import.meta.url),
      'utf8',
    );
    expect(protobuf.parse(text).root.toJSON()).toEqual(planSchema);
  });

  it('reads from a path, and names one that does not exist', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'plan-'));
    try {
      await writeFile(join(folder, 'model.loom'), written.bytes);
      expect((await loadPlan(join(folder, 'model.loom'))).hash).toBe(written.hash);
      await expect(loadPlan(folder)).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
        hint: `give the plan in it: ${join(folder, 'model.loom')}`,
      });
      await expect(loadPlan(join(folder, 'other.loom'))).rejects.toThrow(
        expect.objectContaining({ code: 'FILE_UNREADABLE' }) as Error,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('makes a client plan that clients accept', () => {
    const plan = clientPlan(sample, written.hash, {
      labels: new Map([['sum', Array.from({ length: 12 }, (_, n) => `class ${n}`)]]),
    });
    const read = readClientPlan(clientPlanText(plan));
    expect(read).toEqual(plan);
    expect(read.planHash).toBe(written.hash);
    expect(read.outputs.map(({ bound }) => bound)[1]).toBe(4.5);
    expect(read.keys.relinearisation).toEqual({ primes: 3 });
    // Folds of 64 and 128, baby steps −2 … 1 and giant steps.
    const steps = read.keys.rotations.map(({ step }) => step);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(steps).toEqual(expect.arrayContaining([-2, -1, 1, 64, 128]));
    expect(new Set(read.keys.rotations.map(({ primes }) => primes))).toEqual(new Set([2, 4]));
  });
});

describe('numbers', () => {
  it('are exact in the shortest encoding', () => {
    const cases: [number[], string, number][] = [
      [[0.5, -0, Math.fround(0.1)], 'FLOAT32', 12],
      [[0.1, 2], 'FLOAT64', 16],
      [[0, -1, 63, 64, -2, 300], 'VARINT', 8],
      [[2 ** 40, 1], 'VARINT', 7],
      [[2 ** 52, 1], 'FLOAT32', 8],
      [[], 'FLOAT32', 0],
    ];
    for (const [values, encoding, length] of cases) {
      const encoded = encodeNumbers(Float64Array.from(values));
      expect(encoded.encoding).toBe(encoding);
      expect(encoded.bytes.length).toBe(length);
      const decoded = decodeNumbers(encoded, values.length, 'test');
      expect([...decoded].map((v) => Object.is(v, -0))).toEqual(
        values.map((v) => Object.is(v, -0)),
      );
      expect([...decoded]).toEqual(values);
    }
  });

  it('round trip', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.maxSafeInteger(),
            fc.integer(),
            fc.float({ noNaN: true, noDefaultInfinity: true }),
            fc.double({ noNaN: true, noDefaultInfinity: true }),
          ),
        ),
        (values) => {
          const decoded = decodeNumbers(
            encodeNumbers(Float64Array.from(values)),
            values.length,
            'x',
          );
          decoded.forEach((value, k) => {
            expect(Object.is(value, values[k])).toBe(true);
          });
        },
      ),
    );
  });

  it('refuses bytes that do not hold them', () => {
    const refused = (
      encoding: 'FLOAT32' | 'FLOAT64' | 'VARINT',
      bytes: number[],
      count: number,
    ): void => {
      expect(
        codeOf(() => decodeNumbers({ encoding, bytes: Uint8Array.from(bytes) }, count, 'x')),
      ).toBe('PLAN_INVALID');
    };
    refused('FLOAT32', [0, 0, 0], 1);
    refused('FLOAT32', [0, 0, 0xc0, 0x7f], 1); // NaN
    refused('FLOAT64', [0, 0, 0, 0, 0, 0, 0xf0, 0x7f], 1); // Infinity
    refused('VARINT', [0x80], 1);
    refused('VARINT', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], 1);
    refused('VARINT', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 1);
    refused('VARINT', [1, 1], 1);
    refused('VARINT', [1], 2);
  });
});

describe('hostile plan files', () => {
  it('refuses every truncation and every flipped byte, naming the part', () => {
    for (let length = 0; length < written.bytes.length; length += 7) {
      expect(codeOf(() => readPlan(written.bytes.slice(0, length)))).toBe('PLAN_INVALID');
    }
    const longer = new Uint8Array(written.bytes.length + 64);
    longer.set(written.bytes);
    expect(() => readPlan(longer)).toThrow(/file length/);
    const part = (at: number): RegExp => {
      if (at < 8) return /magic/;
      if (at < 12) return /format version/;
      if (at < 256) return /head/;
      return at < sectionEnd ? /program section/ : /weights/;
    };
    for (let at = 0; at < written.bytes.length; at++) {
      const bytes = written.bytes.slice();
      bytes[at]! ^= 1 << (at % 8);
      expect(() => readPlan(bytes), `byte ${at}`).toThrow(part(at));
    }
  });

  it('refuses another format by number, naming the compiler', () => {
    const bytes = written.bytes.slice();
    bytes[8] = 2;
    resealHead(bytes);
    let error: unknown;
    try {
      readPlan(bytes);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'PLAN_INVALID', details: { got: 2, expected: 1 } });
    expect(String(error)).toMatch(/format version is 2, this build reads 1/);
    expect((error as CipherloomError).hint).toContain(`compiled by ${currentProducer()}`);
    expect((error as CipherloomError).exit).toBe(3);
  });

  it('refuses the plan of another build: byte order, operators, features', () => {
    for (const at of [40, 192]) {
      const bytes = written.bytes.slice();
      bytes[at]! ^= 1;
      resealHead(bytes);
      let error: unknown;
      try {
        readPlan(bytes);
      } catch (caught) {
        error = caught;
      }
      expect(error).toMatchObject({ code: 'PLAN_INVALID' });
      expect((error as CipherloomError).hint).toMatch(
        /compiled by .*, this is .*; compile the model again/,
      );
    }
    expect(() =>
      readPlan(
        withMessage((message) => {
          message.features = ['bootstrapping'];
        }),
      ),
    ).toThrow(/needs bootstrapping/);
  });

  it('recomputes the security and refuses what is above the table', () => {
    const bytes = withMessage((message) => {
      message.security.insecure = false;
    });
    let error: unknown;
    try {
      readPlan(bytes);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'PARAMETERS_INSECURE',
      details: { ringDegree: 2048, limit: 53, target: 128 },
    });
    expect((error as CipherloomError).exit).toBe(6);
  });

  const mutations: Record<string, (message: PlanMessage) => void> = {
    'an operand that comes later': (m) => (m.operations[1]!.operands[0] = 5),
    'an operand of itself': (m) => (m.operations[1]!.operands[0] = 1),
    'too few operands': (m) => (m.operations[1]!.operands = []),
    'an unknown operation': (m) => (m.operations[1]!.code = 999),
    'an operation of another dialect': (m) => (m.operations[1]!.code = 40),
    'a missing constant': (m) => (m.constants = m.constants.slice(1)),
    'a missing blob': (m) => (m.constants[0]!.blob = 99),
    'a constant twice': (m) => (m.constants[1]!.name = m.constants[0]!.name),
    'a constant of another shape': (m) => (m.constants[0]!.shape = [2]),
    'a constant of huge shape': (m) => (m.constants[0]!.shape = [2 ** 31, 2 ** 31]),
    'a blob that ends behind the file': (m) => (m.blobs[0]!.bytes = '18446744073709551615'),
    'a blob of more numbers than bytes': (m) => (m.blobs[0]!.count = '4294967296'),
    'a blob of another encoding': (m) => (m.blobs[0]!.encoding = 'VARINT'),
    'a blob left out': (m) => m.blobs.pop(),
    'a level below zero': (m) => (m.operations[0]!.type.level = 4294967295),
    'a level above the chain': (m) => (m.operations[0]!.type.level = 4),
    'a lower level than the rule gives': (m) => (m.operations[2]!.type.level = 1),
    'a scale of zero': (m) => (m.operations[0]!.type.scale = '0'),
    'a scale that is no number': (m) => (m.operations[0]!.type.scale = 'NaN'),
    'a scale that is negative': (m) => (m.operations[0]!.type.scale = '-5'),
    'a scale over zero': (m) => (m.operations[0]!.type.scale = '5/0'),
    'another scale': (m) => (m.operations[2]!.type.scale = '1099511627777'),
    'a scale above the modulus': (m) => {
      m.operations[0]!.type.scale = String(2n ** 200n);
    },
    'another size': (m) => (m.operations[0]!.type.size = 3),
    'a missing layout': (m) => (m.operations[0]!.type.layout = 77),
    'another layout': (m) => (m.operations[0]!.type.layout = 1),
    'an empty range': (m) => (m.operations[0]!.type.range = { lo: 1, hi: 0, source: 'PROVED' }),
    'a range that is no number': (m) => {
      m.operations[0]!.type.range = { lo: NaN, hi: NaN, source: 'PROVED' };
    },
    'no range of an output': (m) => delete m.operations.at(-1)!.type.range,
    'a layout of too many ciphertexts': (m) => (m.layouts[0]!.ciphertexts = 2 ** 31 - 1),
    'a layout of other slots': (m) => (m.layouts[0]!.slots = 512),
    'a layout past its last slot': (m) => (m.layouts[0]!.digits[0]!.stride = 1000),
    'a layout with huge digits': (m) => (m.layouts[0]!.digits[0]!.size = 2 ** 30),
    'a layout of no axis': (m) => (m.layouts[0]!.digits[0]!.axis = 9),
    'a layout that shares slots': (m) => (m.layouts[1]!.digits[1]!.stride = 3),
    'a layout of a huge shape': (m) => (m.layouts[0]!.shape = [65536, 65536]),
    'a layout with an infinite bound': (m) => (m.layouts[0]!.unusedBound = Infinity),
    'a huge rotation list': (m) => {
      m.keys.rotations = Array.from({ length: 65536 }, (_, n) => ({ step: n + 1, primes: 4 }));
    },
    'a rotation list that is too long to read': (m) => {
      m.keys.rotations = Array.from({ length: 70000 }, () => ({ step: 1, primes: 4 }));
    },
    'a rotation past the ring': (m) => (m.keys.rotations[0]!.step = 4096),
    'a rotation left out': (m) => m.keys.rotations.pop(),
    'a key with fewer primes': (m) => (m.keys.rotations[0]!.primes = 1),
    'no relinearisation key': (m) => (m.keys.relinearisationPrimes = 0),
    'a modulus that is not prime': (m) => (m.modulus.primes[0] = String(2n ** 40n + 1n)),
    'a modulus without a transform': (m) => (m.modulus.primes[0] = '65539'),
    'a modulus of 64 bits': (m) => (m.modulus.primes[0] = '18446744073709551557'),
    'a modulus of zero': (m) => (m.modulus.primes[0] = '0'),
    'a modulus twice': (m) => (m.modulus.primes[0] = m.modulus.primes[1]!),
    'another ring degree': (m) => (m.modulus.ringDegree = 4096),
    'a ring degree that is no power of two': (m) => (m.modulus.ringDegree = 2047),
    'a security target of 1': (m) => (m.security.target = 1 as 128),
    'an output of no operation': (m) => (m.outputs[0]!.value = 99),
    'no outputs': (m) => (m.outputs = []),
    'an output twice': (m) => (m.outputs[1]!.name = m.outputs[0]!.name),
    'an unknown postprocessing': (m) => {
      (m.outputs[0]!.postprocess[0]!.fields[1] as { value: { text: string } }).value.text = 'exec';
    },
    'another last use': (m) => (m.operations[0]!.lastUse = 1),
    'a precision that is no number': (m) => (m.budgets.precisionBits = NaN),
    'a digest of another length': (m) => (m.modelDigest = new Uint8Array(5)),
    'a layout that nothing uses': (m) => m.layouts.push(m.layouts[0]!),
  };

  it.each(Object.keys(mutations))('refuses %s', (name) => {
    expect(codeOf(() => readPlan(withMessage(mutations[name]!)))).toBe('PLAN_INVALID');
  });

  type Field = { name: string; value: Record<string, unknown> };
  const attribute = (m: PlanMessage, operation: number, name: string): Field => {
    const field = (m.operations[operation]!.attributes.fields as Field[]).find(
      (f) => f.name === name,
    );
    if (field === undefined) throw new Error(`no attribute ${name}`);
    return field;
  };
  const attributes: Record<string, (message: PlanMessage) => void> = {
    'no method': (m) => (attribute(m, 1, 'method').value = { kind: 'null', null: true }),
    'no plain scales': (m) => (attribute(m, 1, 'plainScales').value = { kind: 'null', null: true }),
    'an attribute twice': (m) => {
      m.operations[1]!.attributes.fields.push(attribute(m, 1, 'method'));
    },
    'an attribute of another kind': (m) =>
      (attribute(m, 1, 'shape').value = { kind: 'text', text: 'x' }),
    'an attribute without a value': (m) => (attribute(m, 1, 'shape').value = {}),
    'a constant as text': (m) =>
      (attribute(m, 0, 'name').value = { kind: 'text', text: '@weights' }),
    'a constant out of range': (m) =>
      (attribute(m, 3, 'value').value = { kind: 'constant', constant: 99 }),
    'a constant that does not fit': (m) =>
      (attribute(m, 3, 'value').value = { kind: 'constant', constant: 0 }),
    'a level drop upwards': (m) => {
      const drop = m.operations.findIndex(({ code }) => code === 209);
      attribute(m, drop, 'level').value = { kind: 'number', number: 3 };
    },
    'a level above the chain, everywhere': (m) => {
      attribute(m, 0, 'level').value = { kind: 'number', number: 4 };
      m.operations[0]!.type.level = 4;
    },
    'a scale above the modulus, everywhere': (m) => {
      attribute(m, 0, 'scale').value = { kind: 'text', text: String(2n ** 200n) };
      m.operations[0]!.type.scale = String(2n ** 200n);
    },
    'a prototype': (m) => {
      m.operations[0]!.attributes.fields.push({
        name: '__proto__',
        value: { kind: 'null', null: true },
      });
    },
    'nesting without end': (m) => {
      let value: Record<string, unknown> = { kind: 'null', null: true };
      for (let n = 0; n < 40; n++) value = { kind: 'list', list: { items: [value] } };
      attribute(m, 0, 'name').value = value;
    },
  };

  it.each(Object.keys(attributes))('refuses %s', (name) => {
    expect(codeOf(() => readPlan(withMessage(attributes[name]!)))).toBe('PLAN_INVALID');
  });

  it.each([
    ['giantStep', 4096],
    ['giantStep', -1],
  ])('refuses a method with %s = %i', (name, number) => {
    const bytes = withMessage((m) => {
      const method = attribute(m, 1, 'method').value as { record: { fields: Field[] } };
      method.record.fields.find((f) => f.name === name)!.value = { kind: 'number', number };
    });
    expect(codeOf(() => readPlan(bytes))).toBe('PLAN_INVALID');
  });

  it.each([
    ['step', 0],
    ['step', 512],
    ['count', 3],
    ['count', 4096],
  ])('refuses a fold with %s = %i', (name, number) => {
    const bytes = withMessage((m) => {
      const method = attribute(m, 1, 'method').value as { record: { fields: Field[] } };
      const fold = method.record.fields.find((f) => f.name === 'fold')!.value as {
        record: { fields: Field[] };
      };
      fold.record.fields.find((f) => f.name === name)!.value = { kind: 'number', number };
    });
    expect(codeOf(() => readPlan(bytes))).toBe('PLAN_INVALID');
  });

  it('refuses segments that leave the matrix or never end', () => {
    const segments = sample.program.constants;
    const names = [...segments.keys()].filter((name) => name.startsWith('segments'));
    for (const code of [
      [0, 12, 0, 0],
      [0, 0, -1, 0],
      [0, 0, 0, 144],
      [1, 0, 0, 0, 13, 1, 0, 0],
      [1, 0, 0],
      [17, 0, 0, 0],
      [2, 0, 0, 0, 2 ** 20, 0, 0, 0, 2 ** 20, 0, 0, 0],
      // 2^27 products and more, within the matrix.
      [1, 0, 0, 0, 2 ** 27, 0, 0, 0, 0, 0, 0, 0],
    ]) {
      const constants = new Map(segments);
      constants.set(names[0]!, { shape: [code.length], data: Float64Array.from(code) });
      expect(
        codeOf(() => writePlan({ program: { ...sample.program, constants }, facts })),
        code.join(),
      ).toBe('PLAN_INVALID');
    }
  });

  it('survives random messages', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(section.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const mutated = section.slice();
          for (const [at, value] of changes) mutated[at] = value;
          fc.pre(Buffer.compare(mutated, section) !== 0);
          const file = withSection(mutated);
          // Another name or another bound makes another plan; everything else is refused.
          const code = codeOf(() => {
            expect(writePlan(readPlan(file)).bytes).toEqual(file);
          });
          expect([null, 'PLAN_INVALID', 'PARAMETERS_INSECURE']).toContain(code);
          refused += code === null ? 0 : 1;
        },
      ),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  it('does not write a program that is not ready', () => {
    const [first, ...others] = sample.program.operations;
    const raw = {
      ...sample.program,
      operations: [
        { ...first!, type: { ...first!.type, level: null, scale: null } as never },
        ...others,
      ],
    };
    expect(codeOf(() => writePlan({ program: raw, facts }))).toBe('PLAN_INVALID');
    expect(codeOf(() => writePlan({ program: { ...sample.program, modulus: null }, facts }))).toBe(
      'PLAN_INVALID',
    );
    expect(planHash(written.bytes)).toBe(written.hash);
  });
});
