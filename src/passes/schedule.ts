/** Order operations so that few ciphertexts are alive at once; the peak is an output of the compiler. */
import { invariant } from '../errors.ts';
import { buildProgram } from '../ir/build.ts';
import { usersOf } from '../ir/program.ts';
import type { Program, ValueId } from '../ir/program.ts';
import { definePass } from './define-pass.ts';

/** Bytes of the ciphertexts of a value: 8 per residue coefficient. */
export function valueBytes(program: Program, id: ValueId): number {
  const type = program.operations[id]?.type;
  invariant(type?.kind === 'ciphertext' && type.level !== null, 'levels are chosen');
  const ringDegree = type.layout.slots * 2;
  return type.layout.ciphertexts * type.size * (type.level + 1) * ringDegree * 8;
}

export default definePass({
  name: 'schedule',
  summary: 'Order operations by liveness and predict the peak memory of ciphertexts.',
  phase: 'ckks',
  run(program, context) {
    const { order, peak } = greedyOrder(program);
    context.note({ kind: 'figure', name: 'peakCiphertextBytes', value: peak });
    const builder = buildProgram(program.name, program);
    const values = new Map<ValueId, ValueId>();
    for (const id of order) {
      const operation = program.operations[id];
      invariant(operation !== undefined, 'the order names operations');
      const operands = operation.operands.map((operand) => values.get(operand) ?? -1);
      values.set(
        id,
        builder.add(operation.op, operands, operation.attributes, {
          location: operation.location,
          range: operation.type.range,
        }),
      );
    }
    return builder.finish(
      program.outputs.map((output) => ({ ...output, value: values.get(output.value) ?? -1 })),
    );
  },
});

/** Among the operations that are ready, take the one that leaves the fewest bytes alive; ties in program order. */
function greedyOrder(program: Program): { readonly order: ValueId[]; readonly peak: number } {
  const users = usersOf(program);
  const bytes = program.operations.map((_, id) => valueBytes(program, id));
  const pendingUsers = users.map((list) => list.length);
  for (const { value } of program.outputs) pendingUsers[value] = (pendingUsers[value] ?? 0) + 1;
  const missing = program.operations.map((operation) => new Set(operation.operands).size);
  const ready = new Set<ValueId>();
  missing.forEach((count, id) => count === 0 && ready.add(id));
  const order: ValueId[] = [];
  let alive = 0;
  let peak = 0;
  while (ready.size > 0) {
    let best: ValueId | null = null;
    let bestGrowth = Infinity;
    for (const id of [...ready].sort((a, b) => a - b)) {
      const growth = (bytes[id] ?? 0) - freedBy(id);
      if (growth < bestGrowth) {
        bestGrowth = growth;
        best = id;
      }
    }
    invariant(best !== null, 'some operation is ready');
    ready.delete(best);
    order.push(best);
    alive += bytes[best] ?? 0;
    peak = Math.max(peak, alive);
    // An input that nothing reads.
    if (pendingUsers[best] === 0) alive -= bytes[best] ?? 0;
    for (const operand of new Set(program.operations[best]?.operands ?? [])) {
      pendingUsers[operand] = (pendingUsers[operand] ?? 0) - 1;
      if (pendingUsers[operand] === 0) alive -= bytes[operand] ?? 0;
    }
    for (const user of users[best] ?? []) {
      missing[user] = (missing[user] ?? 0) - 1;
      if (missing[user] === 0) ready.add(user);
    }
  }
  return { order, peak };

  function freedBy(id: ValueId): number {
    let freed = 0;
    for (const operand of new Set(program.operations[id]?.operands ?? [])) {
      if (pendingUsers[operand] === 1) freed += bytes[operand] ?? 0;
    }
    return freed;
  }
}
