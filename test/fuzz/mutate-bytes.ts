/** Mutations that know nothing of the format. */
import { pick, whole, type Random } from './random-choice.ts';

export type ByteMutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A part of at most 64 bytes, or of any size one time in eight. */
function range(length: number, random: Random): readonly [start: number, stop: number] {
  const start = whole(random, length);
  const longest = random() < 1 / 8 ? length : 64;
  return [start, Math.min(length, start + whole(random, longest))];
}

const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x3a, 0x2a, 0x4a] as const;

export const byteMutations: Readonly<Record<string, ByteMutation>> = {
  flip(bytes, random) {
    const copy = bytes.slice();
    for (let n = 1 + whole(random, 16); n > 0; n--)
      copy[whole(random, copy.length)]! ^= 1 << whole(random, 8);
    return copy;
  },
  replace(bytes, random) {
    const copy = bytes.slice();
    for (let n = 1 + whole(random, 8); n > 0; n--)
      copy[whole(random, copy.length)] =
        random() < 0.5 ? pick(random, interesting) : whole(random, 256);
    return copy;
  },
  truncate: (bytes, random) => bytes.slice(0, whole(random, bytes.length)),
  insert(bytes, random) {
    const at = whole(random, bytes.length);
    const added = Uint8Array.from({ length: 1 + whole(random, 32) }, () => whole(random, 256));
    return joined(bytes.subarray(0, at), added, bytes.subarray(at));
  },
  remove(bytes, random) {
    const [start, stop] = range(bytes.length, random);
    return joined(bytes.subarray(0, start), bytes.subarray(stop));
  },
  repeat(bytes, random) {
    const [start, stop] = range(bytes.length, random);
    const copies = Array.from({ length: 1 + whole(random, 20) }, () => bytes.subarray(start, stop));
    return joined(bytes.subarray(0, stop), ...copies, bytes.subarray(stop));
  },
  /** A part of another file in the place of one of this. */
  splice(bytes, random, other) {
    const [start, stop] = range(bytes.length, random);
    const [from, to] = range(other.length, random);
    return joined(bytes.subarray(0, start), other.subarray(from, to), bytes.subarray(stop));
  },
  /** Bytes that look like a number get another length or another value. */
  varint(bytes, random) {
    const at = whole(random, bytes.length);
    let stop = at;
    while (stop < bytes.length && stop < at + 10 && bytes[stop]! >= 0x80) stop++;
    const length = 1 + whole(random, 11);
    const number = Uint8Array.from(
      { length },
      (_, n) => whole(random, 128) | (n < length - 1 ? 0x80 : 0),
    );
    return joined(bytes.subarray(0, at), number, bytes.subarray(stop + 1));
  },
};
