/** Elements of a value that share a polynomial: those of a channel, where they have one function. */
import { broadcastTo } from '../../ir/tensor.ts';
import { elementCount } from '../../layout/layout.ts';
import type { ElementFunction, ElementFunctions } from '../polynomial/element-functions.ts';

export interface ElementGroups {
  /** The function of each group. */
  readonly functions: readonly ElementFunction[];
  /** The group of each element. */
  readonly of: Uint32Array<ArrayBuffer>;
}

/** Arguments of a group below which a histogram of them says little. */
const leastArguments = 256;

/**
 * A group for each channel (axis 1) of a value of a shape; one for each distinct function where
 * channels mix functions, where there are too few samples, or where that is asked.
 */
export function elementGroups(
  { distinct, shape: own, which }: ElementFunctions,
  shape: readonly number[],
  samples: number,
  wanted: 'channels' | 'functions',
): ElementGroups {
  const places = broadcastTo({ shape: own, data: Float64Array.from(which) }, shape).data;
  const channels = shape.length > 1 ? (shape[1] ?? 1) : 1;
  const inner = elementCount(shape.slice(2));
  const perChannel = elementCount(shape) / channels;
  const channelOf = (element: number): number => Math.floor(element / inner) % channels;
  const functionOf = Array.from({ length: channels }, (_, channel) => places[channel * inner] ?? 0);
  const mixed = places.some((place, element) => place !== functionOf[channelOf(element)]);
  if (wanted === 'functions' || mixed || perChannel * samples < leastArguments) {
    return { functions: distinct, of: Uint32Array.from(places) };
  }
  return {
    functions: functionOf.map((place) => distinct[place]!),
    of: Uint32Array.from(places, (_, element) => channelOf(element)),
  };
}
