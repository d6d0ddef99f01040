/** Under a budget of keys: which rotations have one, and which are composed of others. */
import { invariant } from '../errors.ts';
import { opContext, rewriteProgram } from '../ir/build.ts';
import { neverRotates } from '../ir/ckks/group-products.ts';
import { rotationKeys } from '../ir/ckks/rotation-keys.ts';
import { affineOf } from '../ir/nn/linear.ts';
import type { AffineAttributes } from '../ir/nn/linear.ts';
import { methodSchema } from '../ir/packed/linear.ts';
import { slottedType } from '../ir/packed/values.ts';
import { operationOf } from '../ir/program.ts';
import type { Program, ValueId } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { outputPrecision } from './estimate-noise.ts';
import { isEnabled } from './optimisations.ts';
import { distinctDiagonals, linearCosts } from './packing/plan-linear.ts';
import { programKeyBytes } from './rotations/program-key-bytes.ts';
import { refuseKeyBytes } from './rotations/refuse-key-bytes.ts';
import { demandOf } from './rotations/rotation-demand.ts';
import type { ComposedSplit, LinearDemand } from './rotations/rotation-demand.ts';
import { searchKeys } from './rotations/search-keys.ts';

/** Most rotations one after the other: fewer where their errors leave too little precision. */
const chainLengths = [32, 8, 3, 2, 1];

export default definePass({
  name: 'compose-rotations',
  summary: 'Under a budget of keys: compose rotations of those that keep a key.',
  phase: 'ckks',
  run(program, context) {
    const { options } = context;
    const { maxKeyBytes } = options;
    const { modulus } = program;
    invariant(modulus !== null, 'keys are chosen once the modulus is');
    if (maxKeyBytes === null) return program;
    const trimmed = isEnabled(options, 'trim-keys');
    const keys = rotationKeys(program);
    const bytesOf = (rotations: typeof keys.rotations): number =>
      programKeyBytes(modulus, {
        ...keys,
        rotations: trimmed
          ? rotations
          : rotations.map(({ step }) => ({ step, primes: modulus.primes.length })),
      });
    if (bytesOf(keys.rotations) <= maxKeyBytes) return program;

    const demands = linearDemands(program, context);
    let smallest = Infinity;
    for (const longest of chainLengths) {
      const search = {
        demands: [...demands.values()],
        budget: maxKeyBytes,
        bytesOf,
        longest,
      };
      const choice = searchKeys(search);
      invariant(choice !== null, 'every rotation of the plan may have a key');
      const composed = withSplits(program, [...demands.keys()], choice.splits);
      if (!(outputPrecision(composed, context) >= options.precisionBits)) continue;
      if (choice.bytes <= search.budget) return composed;
      // Shorter chains take more keys.
      smallest = choice.bytes;
      break;
    }
    // Keys that fit, but too little precision: estimate-noise says how little.
    if (smallest === Infinity) return program;
    refuseKeyBytes(smallest, maxKeyBytes, modulus.ringDegree);
  },
});

/** What the linear maps of a program ask for, by operation. */
function linearDemands(program: Program, context: PassContext): Map<ValueId, LinearDemand> {
  const { modulus } = program;
  const demands = new Map<ValueId, LinearDemand>();
  program.operations.forEach((operation, id) => {
    if (operation.op !== 'ckks.linear') return;
    const { method: given } = operation.attributes;
    const method = methodSchema.parse(given);
    const types = operation.operands.map((operand) => operationOf(program, operand).type);
    const inputs = types.map((type) => slottedType(type).layout);
    const { layout } = slottedType(operation.type);
    if (neverRotates(inputs, layout)) return;
    const { maps } = affineOf(
      types,
      operation.attributes as unknown as AffineAttributes,
      opContext(program.constants, modulus, operation.location),
    );
    invariant(operation.type.kind === 'ciphertext', 'a ckks program has ciphertexts');
    const primes = (operation.type.level ?? 0) + 1;
    const costs = linearCosts(
      context.options,
      context.ringDegree,
      primes,
      modulus?.specialPrimes.length ?? 1,
    );
    const set = distinctDiagonals(maps, inputs, layout, method.fold);
    demands.set(id, demandOf(set, method.giantStep, method.fold, inputs, layout, primes, costs));
  });
  return demands;
}

/** The program with these splits of its linear maps. */
function withSplits(
  program: Program,
  ids: readonly ValueId[],
  splits: readonly ComposedSplit[],
): Program {
  const chosen = new Map(ids.map((id, n) => [id, splits[n]]));
  return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
    const split = chosen.get(id);
    if (split === undefined) return keep();
    const { giantStep, compositions } = split;
    const composes = Object.values(compositions).some((list) => list.length > 0);
    const method = {
      ...methodSchema.parse(operation.attributes['method']),
      giantStep,
      ...(composes ? { compositions } : {}),
    };
    return builder.add(
      operation.op,
      operation.operands.map(mapped),
      { ...operation.attributes, method },
      { location: operation.location, range: operation.type.range },
    );
  });
}
