/** What a plan has the server compute in the clear: stored, read back, and refused where it is wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computePublicValues, executionValues } from '../../src/backend/execute/public-values.ts';
import { writeContainer } from '../../src/backend/plan/container.ts';
import { decodeMessage, encodeMessage, type PlanMessage } from '../../src/backend/plan/message.ts';
import { requiredFeatures } from '../../src/backend/plan/plan.ts';
import { currentProducer } from '../../src/backend/plan/producer.ts';
import { readPlan } from '../../src/backend/plan/read-plan.ts';
import { writePlan } from '../../src/backend/plan/write-plan.ts';
import { CipherloomError } from '../../src/errors.ts';
import { compileUntil } from '../../src/index.ts';
import { printProgram } from '../../src/ir/print.ts';
import type { Program } from '../../src/ir/program.ts';
import { publicInputs } from '../../src/ir/public-values.ts';
import { errorOf } from '../support/error-of.ts';
import { encodeModel, filled } from '../support/onnx-model.ts';
import { randomSource } from '../support/random.ts';

const random = randomSource(3);
const model = encodeModel({
  inputs: { x: [1, 6], p: [1, 4] },
  outputs: ['y'],
  initializers: { w: filled([4, 6], random), v: filled([12, 3], random, -0.3, 0.3) },
  nodes: [
    { op: 'MatMul', inputs: ['p', 'w'], outputs: ['q'] },
    { op: 'Sigmoid', inputs: ['q'], outputs: ['gate'] },
    { op: 'Mul', inputs: ['x', 'gate'], outputs: ['m'] },
    { op: 'Concat', inputs: ['m', 'q'], outputs: ['both'], attributes: { axis: 1 } },
    { op: 'MatMul', inputs: ['both', 'v'], outputs: ['y'] },
  ],
});

const { program } = compileUntil({ bytes: model, name: 'gated' }, { publicInputs: ['p'] });
const written = writePlan({
  program,
  facts: {
    producer: currentProducer(),
    modelDigest: null,
    securityTarget: 128,
    insecure: false,
    precisionBits: 12,
    peakCiphertextBytes: 1,
    rangeEscape: null,
  },
});
const sectionEnd = 256 + Number(new DataView(written.bytes.buffer).getBigUint64(24, true));
const section = written.bytes.subarray(256, sectionEnd);

type PublicPart = NonNullable<PlanMessage['publicPart']>;

/** The plan with another public part, its checksums made good. */
function withPart(change: (part: PublicPart, message: PlanMessage) => void): Uint8Array {
  const message = decodeMessage(section);
  change(message.publicPart!, message);
  const blobs: Uint8Array[] = [];
  let offset = Math.ceil(sectionEnd / 64) * 64;
  for (const { bytes } of decodeMessage(section).blobs) {
    blobs.push(written.bytes.subarray(offset, offset + Number(bytes)));
    offset += Math.ceil(Number(bytes) / 64) * 64;
  }
  return writeContainer(currentProducer(), encodeMessage(message), blobs);
}

describe('the public part of a plan', () => {
  it('is read back, and an evaluator must know of it', () => {
    const read = readPlan(written.bytes);
    expect(
      printProgram({ ...read.program, publicPart: withoutRanges(read.program.publicPart!) }),
    ).toBe(printProgram({ ...program, publicPart: withoutRanges(program.publicPart!) }));
    expect(publicInputs(read.program)).toEqual([{ name: 'p', shape: [1, 4], range: [0, 1] }]);
    expect(requiredFeatures(read.program)).toEqual(['public-inputs']);
    expect(program.operations.map(({ op }) => op)).toContain('ckks.add-public');
    expect(program.operations.map(({ op }) => op)).toContain('ckks.multiply-public');
  });

  it.each<[string, (part: PublicPart, message: PlanMessage) => void, RegExp]>([
    ['no part at all', (_, message) => (message.publicPart = null), /public value/],
    ['an unknown operator', (part) => (part.operations[1]!.code = 9999), /unknown code 9999/],
    ['an operator on ciphertexts', (part) => (part.operations[1]!.code = 203), /unknown code 203/],
    ['a later operand', (part) => (part.operations[1]!.operands = [5]), /does not come before/],
    ['a missing operand', (part) => (part.operations[1]!.operands = []), /breaks a rule/],
    ['a missing constant', (part) => void part.constants.pop(), /constant/],
    ['a missing output', (part) => void part.outputs.pop(), /nothing computes the public value/],
    ['an output of nothing', (part) => (part.outputs[0]!.value = 99), /is operation 99 of/],
    ['another shape', (part) => (part.outputs[0]!.value = 0), /is \[1,4\], not \[1,/],
    ['an encrypted input', privateInput, /not public/],
    ['a constant of another length', (part) => (part.constants[0]!.shape = [1]), /numbers/],
  ])('with %s is refused', (_, change, message) => {
    const error = errorOf(() => readPlan(withPart(change)));
    expect(error.code).toBe('PLAN_INVALID');
    expect(error.message).toMatch(message);
  });

  it('survives random damage', () => {
    fc.assert(
      fc.property(fc.nat(section.length - 1), fc.nat(255), (at, value) => {
        const changed = section.slice();
        changed[at] = value;
        let bytes: Uint8Array;
        try {
          const blobs = [written.bytes.subarray(Math.ceil(sectionEnd / 64) * 64)];
          bytes = writeContainer(currentProducer(), changed, blobs);
          readPlan(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CipherloomError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('public values of a request', () => {
  const tensor = (value: number, images = 1) => new Float32Array(4 * images).fill(value);

  it('are computed once where one tensor stands for all images', () => {
    const once = computePublicValues(program, { p: tensor(0.5) }, 7);
    const each = computePublicValues(program, { p: tensor(0.5, 7) }, 7);
    for (const [name, images] of once) {
      expect(images).toHaveLength(1);
      expect(each.get(name)).toHaveLength(7);
      expect(each.get(name)![6]).toEqual(images[0]);
    }
    const last = executionValues(each, 4, 4);
    for (const images of last.values()) expect(images).toHaveLength(3);
  });

  it('outside the range that the plan was made for are refused, by image and element', () => {
    const narrowed: Program = {
      ...program,
      operations: program.operations.map((operation) =>
        operation.op === 'ckks.multiply-public'
          ? { ...operation, attributes: { ...operation.attributes, range: [0.25, 0.5] } }
          : operation,
      ),
    };
    const error = errorOf(() => computePublicValues(narrowed, { p: tensor(1) }, 1));
    expect(error).toMatchObject({ code: 'INPUT_INVALID', details: { image: 0 } });
    expect(error.message).toMatch(/outside the range \[0\.25, 0\.5\]/);
  });
});

/** Types of the public part follow from its operators: narrower ranges are not stored. */
function withoutRanges(part: Program): Program {
  return {
    ...part,
    operations: part.operations.map((operation) => ({
      ...operation,
      type: { ...operation.type, range: null },
    })),
  };
}

function privateInput({ operations }: PublicPart): void {
  const fields = operations[0]!.attributes.fields as { readonly name: string }[];
  operations[0]!.attributes.fields = fields.filter(({ name }) => name !== 'public');
}
