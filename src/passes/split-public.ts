/** Take what depends on public inputs alone out of the program: the server computes it in the clear. */
import { rewriteProgram } from '../ir/build.ts';
import { operationOf } from '../ir/program.ts';
import type { Operation, ValueId } from '../ir/program.ts';
import { publicFlags } from '../ir/public-values.ts';
import { definePass } from './define-pass.ts';
import { openPublicPart, publicReader, refusePublicOutputs } from './public/public-part.ts';

export default definePass({
  name: 'split-public',
  summary:
    'Take what depends on public inputs alone out of the program: the server computes it in the clear.',
  phase: 'nn',
  run(program, context) {
    const flags = publicFlags(program);
    if (program.publicPart !== undefined || !flags.includes(true)) return program;
    refusePublicOutputs(program);
    const part = openPublicPart(program);
    program.operations.forEach((operation, id) => {
      if (flags[id] === true) part.take(operation, id);
    });
    // What an encrypted operation reads; a subtrahend by its negative, so that only sums are left.
    const reads = program.operations.map((operation, id): readonly (string | null)[] =>
      flags[id] === true
        ? []
        : operation.operands.map((operand, k) => {
            if (flags[operand] !== true) return null;
            const value = part.valueOf(operand);
            const { location } = operationOf(program, operand);
            if (!isSubtrahend(operation, k)) return part.expose(value, location);
            return part.expose(part.builder.add('nn.negate', [value], {}), location);
          }),
    );
    const publicPart = part.finish(context);
    const readerOf = publicReader(publicPart);
    const rest = rewriteProgram(program, (operation, id, rewriter) => {
      const names = reads[id] ?? [];
      if (flags[id] === true) return noValue;
      if (names.every((name) => name === null)) return rewriter.keep();
      const operands = operation.operands.map((operand, k) => {
        const name = names[k] ?? null;
        if (name !== null) return readerOf(rewriter, name);
        const value = rewriter.mapped(operand);
        return isSubtrahend(operation, k)
          ? rewriter.builder.add('nn.negate', [value], {}, { location: operation.location })
          : value;
      });
      const op = operation.op === 'nn.sub' ? 'nn.add' : operation.op;
      const { attributes, location, type } = operation;
      return rewriter.builder.add(op, operands, attributes, { location, range: type.range });
    });
    return { ...rest, publicPart };
  },
});

/** Stands for a public value, which no operation of the encrypted rest reads by number. */
const noValue: ValueId = -1;

function isSubtrahend({ op }: Operation, operand: number): boolean {
  return op === 'nn.sub' && operand === 1;
}
