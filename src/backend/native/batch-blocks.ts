/** Outputs of a batch layout that the native evaluator makes at once: those of `native/plan/src/batch_work.rs`. */
import type { LinearWork } from '../execute/linear-work.ts';

/** Outputs that are made at once (`MAX_ROWS` there). */
const maxRows = 128;

export interface BatchBlock {
  /** Output ciphertexts: rows of a product with a matrix. */
  readonly outputs: readonly number[];
  /** The groups of one of them; all read the same inputs. */
  readonly groups: readonly number[];
}

/** Gather outputs that read the same inputs. */
export function batchBlocks({ groups, inputOf }: LinearWork): BatchBlock[] {
  const groupsOf = new Map<number, number[]>();
  for (let g = 0; g < groups.count; g++) {
    const output = groups.outCiphertext[g]!;
    const list = groupsOf.get(output) ?? [];
    groupsOf.set(output, list);
    list.push(g);
  }
  const alike = new Map<string, number[]>();
  for (const [output, list] of groupsOf) {
    const key = list.map((g) => inputOf[g]).join();
    const outputs = alike.get(key) ?? [];
    alike.set(key, outputs);
    outputs.push(output);
  }
  return [...alike.values()].flatMap((outputs) =>
    Array.from({ length: Math.ceil(outputs.length / maxRows) }, (_, n) => ({
      outputs: outputs.slice(n * maxRows, (n + 1) * maxRows),
      groups: groupsOf.get(outputs[0] ?? -1) ?? [],
    })),
  );
}
