/** Operations that work on each ciphertext alone, as functions of an engine. */
import { InternalError } from '../../errors.ts';
import addConstant from '../../ir/ckks/add-constant.ts';
import levelDrop from '../../ir/ckks/level-drop.ts';
import multiplyConstant from '../../ir/ckks/multiply-constant.ts';
import relinearize from '../../ir/ckks/relinearize.ts';
import rescale from '../../ir/ckks/rescale.ts';
import square from '../../ir/ckks/square.ts';
import { ciphertextOf } from '../../ir/ckks/values.ts';
import { constantOf, operationOf } from '../../ir/program.ts';
import type { ValueId } from '../../ir/program.ts';
import { fromText, toNumber } from '../../ir/rational.ts';
import { slotConstants } from './constant-slots.ts';
import type { Engine } from './engine.ts';
import type { PreparedProgram } from './prepare-program.ts';

export type CiphertextFunction<C> = (x: C, ciphertext: number) => C | Promise<C>;

type Maker = <C>(
  engine: Engine<C>,
  prepared: PreparedProgram,
  id: ValueId,
  scratch: Float64Array<ArrayBuffer>,
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
    (engine, { program }, id, scratch) => {
      const operation = operationOf(program, id);
      const { value } = addConstant.attributes.parse(operation.attributes);
      const constants = slotConstants(
        ciphertextOf(operation.type).layout,
        constantOf(program.constants, value),
        0,
        String(id),
        scratch,
      );
      return (x, ciphertext) => engine.addConstant(x, constants(ciphertext));
    },
  ],
  [
    multiplyConstant.name,
    (engine, { program, forms }, id, scratch) => {
      const operation = operationOf(program, id);
      const { value, plainScale } = multiplyConstant.attributes.parse(operation.attributes);
      if (plainScale === null) throw new InternalError('match-scales chose the plain scale');
      const tensor = constantOf(program.constants, value);
      const constants = slotConstants(
        ciphertextOf(operation.type).layout,
        tensor,
        tensor.data.length === 1 ? (tensor.data[0] ?? 0) : 0,
        String(id),
        scratch,
      );
      const plain = toNumber(fromText(plainScale));
      const scale = forms[id]?.scale ?? 1;
      return (x, ciphertext) => {
        const product = engine.multiplyConstant(x, constants(ciphertext), plain, scale);
        if (!engine.isTransparent(product)) return product;
        // As in a linear map: zero must not be readable by everybody.
        engine.dispose(product);
        return engine.vanishingProduct(x, plain, scale);
      };
    },
  ],
]);

/** Operations with a function here. */
export const elementwiseOperations: readonly string[] = [...makers.keys()];

/** The function of one operation of a program. */
export function elementwise<C>(
  engine: Engine<C>,
  prepared: PreparedProgram,
  id: ValueId,
  scratch: Float64Array<ArrayBuffer>,
): CiphertextFunction<C> {
  const { op } = operationOf(prepared.program, id);
  const maker = makers.get(op);
  if (maker === undefined) throw new InternalError(`the executor cannot run ${op}`);
  return maker(engine, prepared, id, scratch);
}
