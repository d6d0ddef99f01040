/** Leave public values as summands and factors of encrypted ones: all else of them is computed in the clear. */
import { invariant } from '../errors.ts';
import { opContext, rewriteProgram } from '../ir/build.ts';
import type { Rewriter } from '../ir/build.ts';
import { affineOf, affineSchema } from '../ir/nn/linear.ts';
import type { AffineAttributes } from '../ir/nn/linear.ts';
import { operationOf } from '../ir/program.ts';
import type { Attribute, Attributes, Operation, Program, ValueId } from '../ir/program.ts';
import { isPublicInput, publicFlags } from '../ir/public-values.ts';
import { sameShape, shapeOf } from '../ir/types.ts';
import type { Range } from '../ir/types.ts';
import { definePass } from './define-pass.ts';
import { diagonalOf } from './linear/compose-maps.ts';
import { openPublicPart, publicReader, refusePublicOutputs } from './public/public-part.ts';

export default definePass({
  name: 'lower-public',
  summary:
    'Leave public values as summands and factors of encrypted ones: linear maps of them are computed in the clear.',
  phase: 'nn',
  run(program, context) {
    if (program.publicPart === undefined) return program;
    const flags = publicFlags(program);
    refusePublicOutputs(program);
    const part = openPublicPart(program);
    // Per encrypted operation that reads public values, the one value that stands for them.
    const reads = program.operations.map((operation, id): string | null => {
      const { operands, location } = operation;
      if (flags[id] === true) {
        if (!isPublicInput(operation)) part.take(operation, id);
        return null;
      }
      const at = operands.findIndex((operand) => flags[operand] === true);
      if (at < 0) return null;
      if (operation.op !== 'nn.linear') {
        invariant(operation.op === 'nn.add' || operation.op === 'nn.mul', 'split-public was run');
        return part.expose(part.valueOf(operands[at] ?? -1), location);
      }
      const { public: known } = splitMaps(operation, flags);
      const summand = part.builder.add(
        'nn.linear',
        known.operands.map((operand) => part.valueOf(operand)),
        known.attributes,
        { location },
      );
      return part.expose(summand, location);
    });
    const publicPart = part.finish(context);
    const readerOf = publicReader(publicPart);
    const rest = rewriteProgram({ ...program, publicPart }, (operation, id, rewriter) => {
      const name = reads[id] ?? null;
      if (flags[id] === true) return noValue;
      if (name === null) return rewriter.keep();
      const { builder, mapped } = rewriter;
      const { location, type } = operation;
      const known = readerOf(rewriter, name);
      if (operation.op === 'nn.linear') {
        const encrypted = encryptedSummand(program, operation, flags, rewriter, known);
        return builder.add('nn.add', [encrypted, known], {}, { location, range: type.range });
      }
      const x = operation.operands.find((operand) => flags[operand] !== true) ?? -1;
      return builder.add(operation.op, [mapped(x), known], {}, { location, range: type.range });
    });
    return rest;
  },
});

/** Stands for a public value, which no operation of the encrypted rest reads by number. */
const noValue: ValueId = -1;

interface Maps {
  readonly operands: readonly ValueId[];
  readonly attributes: Attributes;
}

/** A linear map as the sum of one of its encrypted operands and one of its public ones, with the bias. */
function splitMaps(
  { operands, attributes }: Operation,
  flags: readonly boolean[],
): { readonly encrypted: Maps; readonly public: Maps } {
  const { shape, maps, bias } = attributes as unknown as AffineAttributes;
  const kept = (wanted: boolean, own: Attribute): Maps => {
    const chosen = (_: unknown, k: number): boolean => flags[operands[k] ?? -1] === wanted;
    return {
      operands: operands.filter(chosen),
      attributes: { shape, maps: maps.filter(chosen), bias: own },
    };
  };
  return { encrypted: kept(false, null), public: kept(true, bias) };
}

/** The encrypted part of a linear map; the operand itself where that is all it is. */
function encryptedSummand(
  program: Program,
  operation: Operation,
  flags: readonly boolean[],
  { builder, mapped }: Rewriter,
  known: ValueId,
): ValueId {
  const { encrypted } = splitMaps(operation, flags);
  const { location, type } = operation;
  const types = encrypted.operands.map((operand) => operationOf(program, operand).type);
  const context = opContext(program.constants, program.modulus, location);
  const { maps } = affineOf(types, affineSchema.parse(encrypted.attributes), context);
  const [map, ...others] = maps;
  const [operand] = encrypted.operands;
  invariant(map !== undefined && operand !== undefined, 'the sum is not public');
  const identity =
    others.length === 0 &&
    sameShape(map.inShape, shapeOf(type)) &&
    diagonalOf(map)?.every((factor) => factor === 1) === true;
  if (identity) return mapped(operand);
  const value = builder.add('nn.linear', encrypted.operands.map(mapped), encrypted.attributes, {
    location,
  });
  const range = difference(type.range, builder.typeOf(known).range);
  return range === null ? value : builder.narrow(value, range);
}

/** Bounds of a summand, from those of the sum and of the other one. */
function difference(sum: Range | null, other: Range | null): Range | null {
  if (sum === null || other === null) return null;
  return { lo: sum.lo - other.hi, hi: sum.hi - other.lo, source: sum.source };
}
