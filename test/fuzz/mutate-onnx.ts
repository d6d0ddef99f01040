/** One mutated file from a seed and a number. */
import onnxProto from 'onnx-proto';
import { randomSource } from '../support/random.ts';
import type { CorpusFile } from './corpus.ts';
import { byteMutations } from './mutate-bytes.ts';
import { modelMutations } from './mutate-model.ts';
import { pick, whole, type Random } from './random-choice.ts';

export interface Mutant {
  readonly bytes: Uint8Array;
  /** The file it was made of, and what was done to it. */
  readonly origin: string;
}

/** The same corpus, seed and number give the same file. */
export function mutantOf(corpus: readonly CorpusFile[], seed: number, number: number): Mutant {
  // Neighbouring numbers must not give neighbouring states.
  const random = randomSource(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const base = pick(random, corpus);
  const structured = random() < 0.75 ? mutatedModel(base.bytes, random) : null;
  const first = structured ?? { bytes: base.bytes, done: [] };
  // One structured mutant in eight gets random bytes too.
  const rounds = structured === null ? 1 + whole(random, 2) : Number(random() < 1 / 8);
  const done = [...first.done];
  let { bytes } = first;
  for (let n = 0; n < rounds && bytes.length > 0; n++) {
    const [name, mutation] = pick(random, Object.entries(byteMutations));
    bytes = mutation(bytes, random, pick(random, corpus).bytes);
    done.push(name);
  }
  return { bytes, origin: `${base.name}: ${done.join(', ')}` };
}

/** Graphs in graphs in graphs: larger files say nothing more. */
const maxBytes = 2 ** 20;

/** Null where the file, or what became of it, is beyond the encoder or too large. */
function mutatedModel(
  bytes: Uint8Array,
  random: Random,
): { readonly bytes: Uint8Array; readonly done: readonly string[] } | null {
  const { ModelProto } = onnxProto.onnx;
  const done: string[] = [];
  try {
    const model = ModelProto.decode(bytes);
    for (let n = pick(random, [1, 1, 1, 2, 3]); n > 0; n--) {
      const [name, mutation] = pick(random, Object.entries(modelMutations));
      mutation(model, random);
      done.push(name);
    }
    const mutated = new Uint8Array(ModelProto.encode(model).finish());
    return mutated.length > maxBytes ? null : { bytes: mutated, done };
  } catch {
    return null;
  }
}
