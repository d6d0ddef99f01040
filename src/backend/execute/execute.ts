/** The executor: runs a ckks program on the ciphertexts of an engine. */
import { CipherloomError, InternalError, invariant } from '../../errors.ts';
import add from '../../ir/ckks/add.ts';
import input from '../../ir/ckks/input.ts';
import linear from '../../ir/ckks/linear.ts';
import { programInput } from '../../ir/ckks/program-inputs.ts';
import multiply from '../../ir/ckks/multiply.ts';
import sub from '../../ir/ckks/sub.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { ValueId } from '../../ir/program.ts';
import { elementwise } from './elementwise.ts';
import type { PublicValues } from './elementwise.ts';
import type { Engine, ValueForm } from './engine.ts';
import { executeLinear } from './execute-linear.ts';
import { Pacer } from './pacer.ts';
import type { PaceOptions } from './pacer.ts';
import type { PreparedProgram } from './prepare-program.ts';

/** Makes ciphertext `index` of an input; called once for each, when it is needed. */
export type InputSource<C> = (index: number) => C;

export interface ExecuteOptions extends PaceOptions {
  /** What the server computed in the clear, by name; needed where the program reads it. */
  readonly publicValues?: PublicValues | undefined;
}

/** Called with each ciphertext of each value as it is made; it is freed after its last use. */
export type Observer<C> = (id: ValueId, index: number, value: C) => void;

/** Largest relative difference of a scale computed in doubles from the plan's exact one. */
const scaleTolerance = 2 ** -45;

type TwoOperands = <C>(engine: Engine<C>, a: C, b: C) => C;

const twoOperands = new Map<string, TwoOperands>([
  [add.name, (engine, a, b) => engine.add(a, b)],
  [sub.name, (engine, a, b) => engine.sub(a, b)],
  [multiply.name, (engine, a, b) => engine.multiply(a, b)],
]);

/** Operations with several operands, or none, that the executor runs. */
export const headOperations: readonly string[] = [input.name, linear.name, ...twoOperands.keys()];

/**
 * Run a program once.
 *
 * Values are freed as soon as nothing needs them, ciphertext by ciphertext; when the run fails or
 * is aborted, all of them are. The caller owns the results.
 *
 * Throws INPUT_INVALID for a missing input, and the reason of the signal.
 */
export async function execute<C>(
  prepared: PreparedProgram,
  engine: Engine<C>,
  inputs: ReadonlyMap<string, InputSource<C>>,
  options: ExecuteOptions & { readonly observe?: Observer<C> | undefined } = {},
): Promise<Map<string, C[]>> {
  options.signal?.throwIfAborted();
  const { program, forms } = prepared;
  const pacer = new Pacer(prepared.work, options);
  const scratch = new Float64Array(prepared.slots);
  const sources = { scratch, publicValues: options.publicValues ?? new Map() };
  const live = new Set<C>();
  const own = (value: C): C => {
    live.add(value);
    return value;
  };
  const free = (value: C): void => {
    if (live.delete(value)) engine.dispose(value);
  };
  const values = new Map<ValueId, (C | null)[]>();
  const tick = (units: number): Promise<void> | undefined => pacer.tick(units);

  const read = (id: ValueId, index: number): C => {
    const value = values.get(id)?.[index];
    invariant(value !== undefined && value !== null, `%${id}[${index}] is not alive`);
    return value;
  };
  const drop = (id: ValueId, index: number): void => {
    const list = values.get(id);
    const value = list?.[index];
    if (list === undefined || value === undefined || value === null) return;
    list[index] = null;
    free(value);
  };

  try {
    for (const { head, pipeline, result, lastUses, unused } of prepared.steps) {
      if (unused) continue;
      const operation = operationOf(program, head);
      pacer.enter(operation.location);
      const functions = pipeline.map((id) => ({
        id,
        apply: elementwise(engine, prepared, id, sources),
      }));
      const { ciphertexts } = ciphertextOf(operation.type).layout;
      const results = new Array<C | null>(ciphertexts).fill(null);
      values.set(result, results);

      // What the head made passes the pipeline at once.
      const emit = async (index: number, made: C): Promise<void> => {
        let value = own(made);
        stamp(engine, value, formAt(forms, head), operation.op);
        options.observe?.(head, index, value);
        for (const { id, apply } of functions) {
          const next = own(await apply(value, index));
          free(value);
          value = next;
          stamp(engine, value, formAt(forms, id), operationOf(program, id).op);
          options.observe?.(id, index, value);
          const pause = tick(1);
          if (pause !== undefined) await pause;
        }
        results[index] = value;
      };
      const release = (id: ValueId, index: number): void => {
        if (lastUses.includes(id)) drop(id, index);
      };
      const [a, b] = operation.operands;

      const work = prepared.linear.get(head);
      const combine = twoOperands.get(operation.op);
      if (operation.op === input.name) {
        const { name } = programInput(program, head);
        const source = inputs.get(name);
        if (source === undefined) {
          throw new CipherloomError('INPUT_INVALID', `input "${name}" is missing`, {
            phase: 'server',
            node: name,
            details: { given: [...inputs.keys()] },
          });
        }
        for (let index = 0; index < ciphertexts; index++) {
          await emit(index, source(index));
          await tick(1);
        }
      } else if (work !== undefined) {
        await executeLinear({
          engine,
          work,
          name: String(head),
          scale: formAt(forms, head).scale,
          scratch,
          input: (operand, index) => read(operation.operands[operand] ?? -1, index),
          release: (operand, index) => {
            release(operation.operands[operand] ?? -1, index);
          },
          emit,
          own,
          free,
          tick,
        });
      } else if (combine !== undefined && a !== undefined && b !== undefined) {
        for (let index = 0; index < ciphertexts; index++) {
          const made = own(combine(engine, read(a, index), read(b, index)));
          release(a, index);
          release(b, index);
          await emit(index, made);
          await tick(1);
        }
      } else if (a !== undefined && operation.operands.length === 1) {
        const apply = elementwise(engine, prepared, head, sources);
        for (let index = 0; index < ciphertexts; index++) {
          const made = own(await apply(read(a, index), index));
          release(a, index);
          await emit(index, made);
          await tick(1);
        }
      } else {
        throw new InternalError(`the executor cannot run ${operation.op}`);
      }

      // Ciphertexts that no diagonal reads are still there.
      for (const id of lastUses) {
        values.get(id)?.forEach((_, index) => {
          drop(id, index);
        });
        values.delete(id);
      }
      await tick(0);
    }

    const outputs = new Map<string, C[]>();
    for (const { name, value } of program.outputs) {
      outputs.set(
        name,
        (values.get(value) ?? []).map((_, index) => read(value, index)),
      );
    }
    for (const list of outputs.values()) for (const value of list) live.delete(value);
    options.onProgress?.({ done: prepared.work, total: prepared.work, node: null });
    return outputs;
  } finally {
    for (const value of live) engine.dispose(value);
  }
}

function formAt(forms: readonly ValueForm[], id: ValueId): ValueForm {
  const form = forms[id];
  invariant(form !== undefined, `%${id} has a form`);
  return form;
}

/** Assert that a value is what the plan says, and give it the plan's scale. */
function stamp<C>(engine: Engine<C>, value: C, planned: ValueForm, op: string): void {
  const { level, scale, size } = engine.formOf(value);
  if (
    level !== planned.level ||
    size !== planned.size ||
    !(Math.abs(scale / planned.scale - 1) <= scaleTolerance)
  ) {
    throw new InternalError(
      `${op} made level ${level}, size ${size}, scale ${scale}; the plan says ${planned.level}, ${planned.size}, ${planned.scale}`,
      { phase: 'server', details: { got: { level, scale, size }, planned } },
    );
  }
  engine.setScale(value, planned.scale);
}
