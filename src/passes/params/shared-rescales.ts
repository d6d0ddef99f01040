/**
 * Rescales that a product of ciphertexts shares with the linear map behind it.
 *
 *   x²           scale Δ²
 *   M · x²       scale Δ² · 2^w, weights encoded with w bits
 *   rescale      by a prime of Δ · 2^w
 *
 * One level and one prime where two rescales take two of each: fewer residues of every value above.
 */
import { CipherloomError } from '../../errors.ts';
import { neverRotates } from '../../ir/ckks/group-products.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import { slottedType } from '../../ir/packed/values.ts';

/** What plaintexts a linear map is made of: numbers in batch layouts, else vectors of slots. */
export type WeightKind = 'numbers' | 'vectors';

/** The levels of a chain whose primes hold the weights of a linear map besides the waterline. */
export interface SharedLevels {
  readonly levels: ReadonlySet<number>;
  readonly weights: WeightKind;
}

export const noSharedLevels: SharedLevels = { levels: new Set(), weights: 'vectors' };

/** The values that are products of ciphertexts, or sums with one, and that nothing has rescaled. */
function unrescaledProducts({ operations }: Program): ReadonlySet<ValueId> {
  const found = new Set<ValueId>();
  operations.forEach(({ op, operands }, id) => {
    const made = op === 'ckks.square' || op === 'ckks.multiply';
    if (made || (keepsScale.has(op) && operands.some((operand) => found.has(operand)))) {
      found.add(id);
    }
  });
  return found;
}

/** What a relinearisation reads, for one; sums of a map may be relinearised behind it. */
function relinearised(program: Program, value: ValueId): ValueId {
  const { op, operands } = operationOf(program, value);
  return op === 'ckks.relinearize' ? (operands[0] ?? -1) : value;
}

const keepsScale: ReadonlySet<string> = new Set([
  'ckks.add',
  'ckks.sub',
  'ckks.relinearize',
  'ckks.level-drop',
]);

/**
 * The shared levels of a ckks program whose levels are chosen.
 *
 * A level has one prime, so a product by itself cannot be rescaled where another shares its rescale.
 * Throws PARAMETERS_INFEASIBLE for such a level.
 */
export function sharedLevels(program: Program): SharedLevels {
  const products = unrescaledProducts(program);
  const shared = new Set<number>();
  const alone = new Map<number, Operation>();
  let weights: WeightKind = 'numbers';
  for (const operation of program.operations) {
    if (operation.op !== 'ckks.rescale') continue;
    const [from = -1] = operation.operands;
    const mapped = operationOf(program, relinearised(program, from));
    const { op, operands, type } = mapped;
    const level = type.kind === 'ciphertext' ? (type.level ?? 0) : 0;
    if (op !== 'ckks.linear') {
      if (products.has(from)) alone.set(level, operation);
      continue;
    }
    if (!operands.some((operand) => products.has(operand))) continue;
    shared.add(level);
    const inputs = operands.map(
      (operand) => slottedType(operationOf(program, operand).type).layout,
    );
    if (!neverRotates(inputs, slottedType(type).layout)) weights = 'vectors';
  }
  const both = [...alone].find(([level]) => shared.has(level));
  if (both !== undefined) {
    const [level, { location }] = both;
    throw new CipherloomError(
      'PARAMETERS_INFEASIBLE',
      `level ${level} rescales a product by itself and one with a linear map behind it`,
      {
        phase: 'ckks',
        node: location ?? undefined,
        details: { level },
        hint: '--disable share-rescales',
      },
    );
  }
  return shared.size === 0 ? noSharedLevels : { levels: shared, weights };
}
