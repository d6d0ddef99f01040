/** Operations that work on each ciphertext alone, as functions of an engine. */
import { InternalError, invariant } from '../../errors.ts';
import { textOf } from '../../ir/attribute-values.ts';
import addConstant from '../../ir/ckks/add-constant.ts';
import addPublic from '../../ir/ckks/add-public.ts';
import levelDrop from '../../ir/ckks/level-drop.ts';
import multiplyConstant from '../../ir/ckks/multiply-constant.ts';
import multiplyPublic from '../../ir/ckks/multiply-public.ts';
import relinearize from '../../ir/ckks/relinearize.ts';
import rescale from '../../ir/ckks/rescale.ts';
import square from '../../ir/ckks/square.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { constantOf, operationOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import { fromText, toNumber } from '../../ir/rational.ts';
import { publicSlotConstants, slotConstants } from './constant-slots.ts';
import type { PublicImages } from './constant-slots.ts';
import type { Engine, SlotConstant } from './engine.ts';
import type { PreparedProgram } from './prepare-program.ts';

export type CiphertextFunction<C> = (x: C, ciphertext: number) => C | Promise<C>;

/** Public values of one execution by name; absent where only sizes count. */
export type PublicValues = ReadonlyMap<string, PublicImages>;

/** What the constants of an operation are built in and of. */
export interface ConstantSources {
  readonly scratch: Float64Array<ArrayBuffer>;
  readonly publicValues: PublicValues;
}

type Maker = <C>(
  engine: Engine<C>,
  prepared: PreparedProgram,
  id: ValueId,
  sources: ConstantSources,
) => CiphertextFunction<C>;

const makers = new Map<string, Maker>([
  [relinearize.name, (engine) => (x) => engine.relinearize(x)],
  [rescale.name, (engine) => (x) => engine.rescale(x)],
  [square.name, (engine) => (x) => engine.square(x)],
  [
    levelDrop.name,
    (engine, { program }, id) => {
      const { level } = levelDrop.attributes.parse(operationOf(program, id).attributes);
      return (x) => engine.dropLevel(x, level);
    },
  ],
  [
    addConstant.name,
    (engine, { program }, id, { scratch }) => {
      const constants = constantSlots(program, id, scratch);
      return (x, ciphertext) => engine.addConstant(x, constants(ciphertext));
    },
  ],
  [
    addPublic.name,
    (engine, { program }, id, sources) => {
      const constants = publicConstants(operationOf(program, id), sources);
      return (x, ciphertext) => engine.addConstant(x, constants(ciphertext));
    },
  ],
  [
    multiplyConstant.name,
    (engine, prepared, id, { scratch }) => {
      const { attributes } = operationOf(prepared.program, id);
      const { plainScale } = multiplyConstant.attributes.parse(attributes);
      const constants = constantSlots(prepared.program, id, scratch);
      return product(engine, prepared, id, plainScale, constants);
    },
  ],
  [
    multiplyPublic.name,
    (engine, prepared, id, sources) => {
      const operation = operationOf(prepared.program, id);
      const { plainScale } = multiplyPublic.attributes.parse(operation.attributes);
      const constants = publicConstants(operation, sources);
      return product(engine, prepared, id, plainScale, constants);
    },
  ],
]);

/** What `add-constant` adds to each ciphertext, or `multiply-constant` multiplies it by. */
export function constantSlots(
  program: Program,
  id: ValueId,
  scratch: Float64Array<ArrayBuffer>,
): (ciphertext: number) => SlotConstant {
  const { op, attributes, type } = operationOf(program, id);
  const declaration = op === addConstant.name ? addConstant : multiplyConstant;
  const tensor = constantOf(program.constants, declaration.attributes.parse(attributes).value);
  const only = tensor.data.length === 1 ? (tensor.data[0] ?? 0) : 0;
  const elsewhere = op === addConstant.name ? 0 : only;
  return slotConstants(ciphertextOf(type).layout, tensor, elsewhere, String(id), scratch);
}

/** The public value that an operation reads, for each ciphertext. */
function publicConstants(
  operation: Operation,
  { scratch, publicValues }: ConstantSources,
): (ciphertext: number) => SlotConstant {
  const name = textOf(operation, 'value');
  const images = (): PublicImages => {
    const known = publicValues.get(name);
    invariant(known !== undefined, `the public value "${name}" is computed`);
    return known;
  };
  return publicSlotConstants(ciphertextOf(operation.type).layout, images, scratch);
}

/** Products with plaintexts. */
function product<C>(
  engine: Engine<C>,
  { forms }: PreparedProgram,
  id: ValueId,
  plainScale: string | null,
  constants: (ciphertext: number) => SlotConstant,
): CiphertextFunction<C> {
  if (plainScale === null) throw new InternalError('match-scales chose the plain scale');
  const plain = toNumber(fromText(plainScale));
  const scale = forms[id]?.scale ?? 1;
  return (x, ciphertext) => {
    const made = engine.multiplyConstant(x, constants(ciphertext), plain, scale);
    if (!engine.isTransparent(made)) return made;
    // As in a linear map: zero must not be readable by everybody.
    engine.dispose(made);
    return engine.vanishingProduct(x, plain, scale);
  };
}

/** Operations with a function here. */
export const elementwiseOperations: readonly string[] = [...makers.keys()];

/** The function of one operation of a program. */
export function elementwise<C>(
  engine: Engine<C>,
  prepared: PreparedProgram,
  id: ValueId,
  sources: ConstantSources,
): CiphertextFunction<C> {
  const { op } = operationOf(prepared.program, id);
  const maker = makers.get(op);
  if (maker === undefined) throw new InternalError(`the executor cannot run ${op}`);
  return maker(engine, prepared, id, sources);
}
