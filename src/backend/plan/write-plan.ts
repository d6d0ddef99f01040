/** Writes `model.loom`: the same plan gives the same bytes on every machine. */
import { CipherloomError, invariant } from '../../errors.ts';
import { rotationKeys } from '../../ir/ckks/rotation-keys.ts';
import { lookupOp } from '../../ir/ops.ts';
import type { Program } from '../../ir/program.ts';
import { toText } from '../../ir/rational.ts';
import type { Layout } from '../../layout/layout.ts';
import { lastUses } from '../execute/execution-steps.ts';
import { encodeAttributes } from './attributes.ts';
import { checkProgram } from './check-program.ts';
import { planHash, writeContainer } from './container.ts';
import { encodeLayout, layoutKey } from './layouts.ts';
import { encodeMessage } from './message.ts';
import type { PlanMessage } from './message.ts';
import { encodeNumbers } from './numbers.ts';
import { requiredFeatures } from './plan.ts';
import type { Plan } from './plan.ts';

export interface WrittenPlan {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the bytes, hex: the identity of the plan. */
  readonly hash: string;
}

/**
 * Write a plan.
 *
 * Cost: the weights once. Throws PLAN_INVALID when the program is not ready to run.
 */
export function writePlan(plan: Plan): WrittenPlan {
  checkProgram(plan.program);
  const bytes = encodePlan(plan);
  return { bytes, hash: planHash(bytes) };
}

/** The one encoding of a plan whose program was checked. */
export function encodePlan({ program, facts }: Plan): Uint8Array<ArrayBuffer> {
  const { modulus } = program;
  invariant(modulus !== null, 'the program was checked');

  const layouts: PlanMessage['layouts'] = [];
  const layoutNumbers = new Map<string, number>();
  const layout = (value: Layout): number => {
    const key = layoutKey(value);
    const number = layoutNumbers.get(key) ?? layouts.push(encodeLayout(value)) - 1;
    layoutNumbers.set(key, number);
    return number;
  };

  const blobs: Uint8Array[] = [];
  const blobMessages: PlanMessage['blobs'] = [];
  const blobNumbers = new Map<string, number>();
  const storeConstants = (values: Program['constants']) => {
    const constants: PlanMessage['constants'] = [];
    const constantNumbers = new Map<string, number>();
    for (const [name, tensor] of values) {
      const { encoding, bytes } = encodeNumbers(tensor.data);
      const key = `${encoding} ${planHash(bytes)}`;
      let blob = blobNumbers.get(key);
      if (blob === undefined) {
        blob = blobs.push(bytes) - 1;
        blobNumbers.set(key, blob);
        blobMessages.push({
          encoding,
          bytes: String(bytes.length),
          count: String(tensor.data.length),
        });
      }
      constantNumbers.set(name, constants.push({ name, shape: [...tensor.shape], blob }) - 1);
    }
    const tables = {
      layout,
      constant: (name: string): number => {
        const number = constantNumbers.get(name);
        if (number === undefined) {
          throw new CipherloomError('PLAN_INVALID', `constant @${name} does not exist`, {
            phase: 'plan',
          });
        }
        return number;
      },
    };
    return { constants, tables };
  };
  const { constants, tables } = storeConstants(program.constants);
  const encodePublic = (part: Program): PlanMessage['publicPart'] => {
    const own = storeConstants(part.constants);
    return {
      constants: own.constants,
      operations: part.operations.map(({ op, operands, attributes, location }) => ({
        code: lookupOp(op).code,
        operands: [...operands],
        attributes: encodeAttributes(attributes, own.tables),
        ...(location === null ? {} : { location }),
      })),
      outputs: part.outputs.map(({ name, value }) => ({ name, value, postprocess: [] })),
    };
  };

  const last = lastUses(program);
  const operations = program.operations.map((operation, id): PlanMessage['operations'][number] => {
    const { type } = operation;
    invariant(type.kind === 'ciphertext', 'the program was checked');
    invariant(type.level !== null && type.scale !== null, 'the program was checked');
    return {
      code: lookupOp(operation.op).code,
      operands: [...operation.operands],
      attributes: encodeAttributes(operation.attributes, tables),
      type: {
        layout: layout(type.layout),
        size: type.size,
        level: type.level,
        scale: toText(type.scale),
        ...(type.range === null
          ? {}
          : {
              range: {
                lo: type.range.lo,
                hi: type.range.hi,
                source: sourceNames[type.range.source],
              },
            }),
      },
      ...(operation.location === null ? {} : { location: operation.location }),
      lastUse: last[id] ?? id,
    };
  });
  const keys = rotationKeys(program);
  const message: PlanMessage = {
    producer: facts.producer,
    name: program.name,
    features: requiredFeatures(program),
    modelDigest: Buffer.from(facts.modelDigest ?? '', 'hex'),
    modulus: {
      ringDegree: modulus.ringDegree,
      primes: modulus.primes.map(String),
      specialPrimes: modulus.specialPrimes.map(String),
    },
    security: { target: facts.securityTarget, insecure: facts.insecure },
    layouts,
    blobs: blobMessages,
    constants,
    operations,
    outputs: program.outputs.map(({ name, value, postprocess }) => ({
      name,
      value,
      postprocess: postprocess.map((step) => encodeAttributes({ ...step }, tables)),
    })),
    keys: {
      relinearisationPrimes: keys.relinearisation?.primes ?? 0,
      rotations: keys.rotations.map(({ step, primes }) => ({ step, primes })),
    },
    budgets: {
      precisionBits: facts.precisionBits,
      peakCiphertextBytes: facts.peakCiphertextBytes,
      ...(facts.rangeEscape === null ? {} : { rangeEscape: facts.rangeEscape }),
    },
    ...(program.publicPart === undefined ? {} : { publicPart: encodePublic(program.publicPart) }),
  };
  return writeContainer(facts.producer, encodeMessage(message), blobs);
}

const sourceNames = { declared: 'DECLARED', proved: 'PROVED', calibrated: 'CALIBRATED' } as const;
