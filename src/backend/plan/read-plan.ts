/** Reads `model.loom` from anyone: every length, index, level, scale and rotation is checked. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { ckksOps } from '../../ir/ckks/index.ts';
import { rotationKeys } from '../../ir/ckks/rotation-keys.ts';
import type { Operation, Program, ProgramOutput } from '../../ir/program.ts';
import { fromText } from '../../ir/rational.ts';
import { postprocessFault, postprocessOps } from '../../layout/postprocess.ts';
import type { PostprocessStep } from '../../layout/postprocess.ts';
import type { Layout } from '../../layout/layout.ts';
import {
  achievedSecurityBits,
  modulusBits,
  requireSecurity,
  ringDegrees,
} from '../../layout/security.ts';
import { decodeAttributes } from './attributes.ts';
import type { AttributeValues } from './attributes.ts';
import { checkProgram } from './check-program.ts';
import { aligned, planHash, readContainer } from './container.ts';
import { decodeLayouts } from './layouts.ts';
import { decodeMessage } from './message.ts';
import type { PlanMessage } from './message.ts';
import { decodeNumbers } from './numbers.ts';
import { planFeatures } from './plan.ts';
import type { Plan, PlanFacts } from './plan.ts';
import { currentProducer } from './producer.ts';
import { readConstants } from './read-constants.ts';
import { readPublicPart } from './read-public-part.ts';
import { encodePlan } from './write-plan.ts';

export interface LoadedPlan extends Plan {
  /** SHA-256 of the file, hex. */
  readonly hash: string;
  readonly byteLength: number;
  /** log2 of Q·P. */
  readonly logQP: number;
  /** Recomputed from the parameters, whatever the file says. */
  readonly securityBits: number;
}

/** Weights of two billion bytes are beyond what any evaluator here holds. */
const maxFileBytes = 2 ** 31;

/**
 * Read a plan file. Throws FILE_UNREADABLE, RESOURCE_LIMIT for more than 2 GiB, and as `readPlan`.
 */
export async function loadPlan(path: string): Promise<LoadedPlan> {
  return readPlan(await readPlanFile(path));
}

/** The bytes of a plan file. Throws FILE_UNREADABLE, RESOURCE_LIMIT for more than 2 GiB. */
export async function readPlanFile(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new CipherloomError('FILE_UNREADABLE', `${path} is a folder, not a plan`, {
        phase: 'plan',
        node: path,
        hint: `give the plan in it: ${join(path, 'model.loom')}`,
      });
    }
    const { size } = found;
    if (size > maxFileBytes) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `plan: ${path} has ${size} bytes; at most ${maxFileBytes} are read`,
        { phase: 'plan', node: path, details: { size, limit: maxFileBytes } },
      );
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof CipherloomError) throw cause;
    throw new CipherloomError('FILE_UNREADABLE', `cannot read ${path}`, {
      phase: 'plan',
      node: path,
      hint: 'give the folder that compile wrote',
      cause,
    });
  }
}

/**
 * Read a plan.
 *
 * Cost: the weights twice, and one pass over the products of its linear maps.
 * Throws PLAN_INVALID naming the part or field; PARAMETERS_INSECURE when the parameters are below the
 * asked security and the plan is not stamped insecure.
 */
export function readPlan(bytes: Uint8Array): LoadedPlan {
  const { program: section, blobs } = readContainer(bytes, currentProducer());
  const message = decodeMessage(section);
  const unknown = message.features.filter(
    (feature) => !planFeatures.some((known) => known === feature),
  );
  if (unknown.length > 0) {
    throw new CipherloomError(
      'PLAN_INVALID',
      `plan: it needs ${unknown.join(', ')}, which this build does not know`,
      {
        phase: 'plan',
        node: 'features',
        details: { unknown, producer: message.producer },
        hint: `compiled by ${message.producer}, this is ${currentProducer()}; compile the model again with this release`,
      },
    );
  }
  const logQP = checkSecurity(message);
  const program = readProgram(message, blobs);
  checkProgram(program);
  checkKeys(message, program);

  const facts: PlanFacts = {
    producer: message.producer,
    modelDigest:
      message.modelDigest.length === 0 ? null : Buffer.from(message.modelDigest).toString('hex'),
    securityTarget: message.security.target,
    insecure: message.security.insecure,
    precisionBits: message.budgets.precisionBits,
    peakCiphertextBytes: message.budgets.peakCiphertextBytes,
    rangeEscape: message.budgets.rangeEscape ?? null,
  };
  // What was read must be all there is: derived fields that lie, unknown fields, other encodings and
  // bytes between the blobs show here.
  const canonical = encodePlan({ program, facts });
  if (Buffer.compare(canonical, bytes) !== 0) {
    throw new CipherloomError('PLAN_INVALID', 'plan: it is not the encoding of its own content', {
      phase: 'plan',
      hint: 'compile the model again',
    });
  }
  return {
    program,
    facts,
    hash: planHash(bytes),
    byteLength: bytes.length,
    logQP,
    securityBits: achievedSecurityBits(message.modulus.ringDegree, logQP),
  };
}

function checkSecurity({ modulus, security }: PlanMessage): number {
  const { ringDegree } = modulus;
  if (!ringDegrees.includes(ringDegree)) {
    refuse('modulus', `has ring degree ${ringDegree}, not a power of two from 2^10 to 2^17`);
  }
  const logQP = modulusBits([...modulus.primes, ...modulus.specialPrimes].map(positiveBigInt));
  if (!security.insecure) requireSecurity(ringDegree, logQP, security.target);
  return logQP;
}

function positiveBigInt(text: string): bigint {
  const value = BigInt(text);
  return value > 0n ? value : refuse('modulus', 'a prime is 0');
}

function readProgram(message: PlanMessage, blobs: Uint8Array): Program {
  const layouts = decodeLayouts(message.layouts, message.modulus.ringDegree / 2);
  const numbers = readBlobs(message, blobs);
  const constants = readConstants(message.constants, numbers);
  const values: AttributeValues = { layouts, constants: [...constants.keys()] };
  const opByCode = new Map(ckksOps.map((op) => [op.code, op]));
  const operations = message.operations.map((operation, id): Operation => {
    const what = `operation ${id}`;
    const op = opByCode.get(operation.code);
    if (op === undefined) return refuse(what, `has the unknown code ${operation.code}`);
    const { type } = operation;
    return {
      op: op.name,
      operands: operation.operands,
      attributes: decodeAttributes(operation.attributes, values, what),
      type: {
        kind: 'ciphertext',
        layout: layoutAt(layouts, type.layout, what),
        range: readRange(type.range, what),
        size: type.size,
        level: type.level,
        scale: readScale(type.scale, what),
      },
      location: operation.location ?? null,
    };
  });
  const outputs = message.outputs.map(({ name, value, postprocess }): ProgramOutput => {
    const what = `output "${name}"`;
    const steps = postprocess.map((step, n) =>
      readPostprocess(decodeAttributes(step, values, what), `${what} step ${n}`),
    );
    const type = operations[value]?.type;
    const fault = type?.kind === 'ciphertext' ? postprocessFault(steps, type.layout.shape) : null;
    if (fault !== null) refuse(what, `is finished wrongly: ${fault}`);
    return { name, value, postprocess: steps };
  });
  const publicPart = message.publicPart ?? null;
  return {
    name: message.name,
    operations,
    outputs,
    constants,
    ...(publicPart === null
      ? {}
      : { publicPart: readPublicPart(message.name, publicPart, numbers) }),
    modulus: {
      ringDegree: message.modulus.ringDegree,
      primes: message.modulus.primes.map(BigInt),
      specialPrimes: message.modulus.specialPrimes.map(BigInt),
    },
  };
}

/** Numbers of every blob. */
function readBlobs(message: PlanMessage, blobs: Uint8Array): Float64Array<ArrayBuffer>[] {
  let offset = 0;
  const decoded = message.blobs.map(({ encoding, bytes, count }, n) => {
    const what = `blob ${n}`;
    const length = Number(bytes);
    if (!(offset + length <= blobs.length)) {
      refuse(what, `ends at byte ${offset + length} of ${blobs.length}`);
    }
    const part = blobs.subarray(offset, offset + length);
    offset += aligned(length);
    const numbers = Number(count);
    if (numbers > length) refuse(what, `states ${numbers} numbers in ${length} bytes`);
    return decodeNumbers({ encoding, bytes: part }, numbers, what);
  });
  if (offset !== blobs.length) refuse('weights', `have ${blobs.length} bytes, not ${offset}`);
  return decoded;
}

function layoutAt(layouts: readonly Layout[], index: number, what: string): Layout {
  return layouts[index] ?? refuse(what, `names layout ${index} of ${layouts.length}`);
}

const sources = { DECLARED: 'declared', PROVED: 'proved', CALIBRATED: 'calibrated' } as const;

function readRange(
  range: PlanMessage['operations'][number]['type']['range'],
  what: string,
): Operation['type']['range'] {
  if (range === null || range === undefined) return null;
  if (!(range.lo <= range.hi)) refuse(what, `has the range [${range.lo}, ${range.hi}]`);
  return { lo: range.lo, hi: range.hi, source: sources[range.source] };
}

function readScale(text: string, what: string): ReturnType<typeof fromText> {
  try {
    return fromText(text);
  } catch (cause) {
    throw new CipherloomError('PLAN_INVALID', `${what}: its scale is not a positive rational`, {
      phase: 'plan',
      node: what,
      hint: 'compile the model again',
      cause,
    });
  }
}

const postprocessSchema = z.strictObject({
  op: z.enum(postprocessOps),
  axis: z.int().min(-16).max(15),
  keepDims: z.boolean().exactOptional(),
  count: z.int().positive().exactOptional(),
  smallest: z.boolean().exactOptional(),
});

function readPostprocess(attributes: unknown, what: string): PostprocessStep {
  const parsed = postprocessSchema.safeParse(attributes);
  if (!parsed.success) return refuse(what, 'is not a step of postprocessing');
  return parsed.data;
}

/** The key list must be what the program uses: clients make keys from it. */
function checkKeys({ keys }: PlanMessage, program: Program): void {
  const used = rotationKeys(program);
  const stated = keys.rotations.map(({ step, primes }) => `${step}:${primes}`).join();
  if (
    keys.relinearisationPrimes !== (used.relinearisation?.primes ?? 0) ||
    stated !== used.rotations.map(({ step, primes }) => `${step}:${primes}`).join()
  ) {
    refuse(
      'keys',
      `state ${keys.rotations.length} rotations, the program uses ${used.rotations.length}, or others`,
    );
  }
}

function refuse(what: string, reason: string): never {
  throw new CipherloomError('PLAN_INVALID', `plan: ${what} ${reason}`, {
    phase: 'plan',
    node: what,
    hint: 'compile the model again',
  });
}
