/** Parameters of an activation: numbers, or constants with one number per element or channel. */
import { z } from 'zod';
import { broadcastShapes, broadcastTo, scalar } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import type { ActivationParameters } from './activation-functions.ts';
import { constantReference } from './attributes.ts';

export const activationParameters = z.record(z.string(), z.union([z.number(), constantReference]));

/** The parameters of every element, each distinct set once. */
export interface ParameterSets {
  /** Broadcasts to the shape of the argument; [] where every element has the same parameters. */
  readonly shape: readonly number[];
  readonly distinct: readonly ActivationParameters[];
  /** For each element of `shape`, the place of its set in `distinct`. */
  readonly which: Uint32Array<ArrayBuffer>;
}

/** Parameters by element, or null where their shapes do not fit together. */
export function parameterSets(
  parameters: z.infer<typeof activationParameters>,
  constant: (reference: string) => Tensor,
): ParameterSets | null {
  const entries = Object.entries(parameters).map(([name, value]): [string, Tensor] => [
    name,
    typeof value === 'number' ? scalar(value) : constant(value),
  ]);
  let shape: readonly number[] | null = [];
  for (const [, own] of entries) shape = shape === null ? null : broadcastShapes(shape, own.shape);
  if (shape === null) return null;
  const common = shape;
  const columns = entries.map(([name, own]) => ({ name, data: broadcastTo(own, common).data }));
  const places = new Map<string, number>();
  const distinct: ActivationParameters[] = [];
  const count = common.reduce((a, b) => a * b, 1);
  const which = new Uint32Array(count);
  for (let n = 0; n < count; n++) {
    const set = columns.map(({ name, data }): [string, number] => [name, data[n]!]);
    const key = set.map(([, value]) => value).join();
    let place = places.get(key);
    if (place === undefined) {
      place = distinct.length;
      places.set(key, place);
      distinct.push(Object.fromEntries(set));
    }
    which[n] = place;
  }
  return { shape: common, distinct, which };
}
