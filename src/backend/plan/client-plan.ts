/** The part of a plan that clients hold: `client.json`. */
import { invariant } from '../../errors.ts';
import { programInputs } from '../../ir/ckks/program-inputs.ts';
import { rotationKeys } from '../../ir/ckks/rotation-keys.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import { publicInputs } from '../../ir/public-values.ts';
import { toNumber } from '../../ir/rational.ts';
import { magnitude } from '../../ir/types.ts';
import type { CiphertextType } from '../../ir/types.ts';
import type { ClientPlan, ClientTensor } from '../../layout/client-plan.ts';
import { batchSize } from '../../layout/layout.ts';
import type { Plan } from './plan.ts';

export interface ClientPlanOptions {
  /** Names of the classes, by output. */
  readonly labels?: ReadonlyMap<string, readonly string[]>;
}

function clientTensor(name: string, type: CiphertextType): ClientTensor {
  invariant(type.level !== null && type.scale !== null, 'levels and scales are chosen');
  return {
    name,
    shape: type.layout.shape,
    layout: type.layout,
    level: type.level,
    scale: toNumber(type.scale),
  };
}

/**
 * Make the client's part of a plan; `planHash` is that of the file that `writePlan` made.
 *
 * ASSUME: the program was checked (see `checkProgram`).
 */
export function clientPlan(
  { program, facts }: Plan,
  planHash: string,
  { labels }: ClientPlanOptions = {},
): ClientPlan {
  const { modulus } = program;
  invariant(modulus !== null, 'choose-parameters chose the modulus');
  const inputs = programInputs(program);
  const [first] = inputs;
  invariant(first !== undefined, 'a plan has inputs');
  return {
    format: 1,
    producer: facts.producer,
    name: program.name,
    planHash,
    parameters: {
      ringDegree: modulus.ringDegree,
      primes: modulus.primes.map(String),
      specialPrimes: modulus.specialPrimes.map(String),
      securityTarget: facts.securityTarget,
      insecure: facts.insecure,
    },
    batch: batchSize(first.type.layout),
    inputs: inputs.map(({ name, type, range }) => ({ ...clientTensor(name, type), range })),
    ...(program.publicPart === undefined ? {} : { publicInputs: publicInputs(program) }),
    outputs: program.outputs.map(({ name, value, postprocess }) => {
      const type = ciphertextOf(operationOf(program, value).type);
      const named = labels?.get(name);
      return {
        ...clientTensor(name, type),
        bound: magnitude(type.range),
        postprocess,
        ...(named === undefined ? {} : { labels: named }),
      };
    }),
    keys: rotationKeys(program),
    precisionBits: facts.precisionBits,
  };
}

/** The text of `client.json`: the same plan gives the same text. */
export function clientPlanText(plan: ClientPlan): string {
  return `${JSON.stringify(plan, null, 2)}\n`;
}
