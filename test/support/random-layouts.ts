/** Random valid layouts: gaps, copies, several ciphertexts, batches, patches with padding. */
import fc from 'fast-check';
import { zeroUnused } from '../../src/layout/layout.ts';
import type { Digit, Layout } from '../../src/layout/layout.ts';
import { randomSource } from './random.ts';

export interface RandomLayoutOptions {
  /** Slots of every layout; drawn from 8 to 64 where it is absent. */
  readonly slots?: number;
  /** Shape of every layout. */
  readonly shape?: readonly number[];
  /** Images (default: up to four). */
  readonly batch?: number;
}

/** A digit before it has a place. */
interface Part {
  readonly of: Digit['of'];
  readonly size: number;
  readonly step: number;
}

const nextPowerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n));

export function randomLayout(seed: number, options: RandomLayoutOptions = {}): Layout {
  const random = randomSource(seed);
  const integer = (lo: number, hi: number): number => lo + Math.floor(random() * (hi - lo + 1));
  const rank = integer(1, 3);
  const shape = options.shape ?? Array.from({ length: rank }, () => integer(1, 4));
  const slots = options.slots ?? 2 ** integer(3, 6);
  const origin = shape.map(() => 0);

  const parts: Part[] = [];
  const batch = options.batch ?? (random() < 0.3 ? integer(2, 4) : 1);
  if (batch > 1) parts.push({ of: 'batch', size: batch, step: 1 });
  if (random() < 0.4) parts.push({ of: 'copy', size: 2 ** integer(1, 2), step: 0 });
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const kind = random();
    if (kind < 0.25) {
      // Two digits that split the axis; the last outer step may reach past its end.
      const inner = integer(2, extent);
      parts.push({ of: axis, size: Math.ceil(extent / inner), step: inner });
      parts.push({ of: axis, size: inner, step: 1 });
    } else if (kind < 0.5) {
      // Windows that overlap, with padding: each position and each offset inside the window.
      const window = integer(2, 3);
      const stride = integer(1, window);
      const pad = integer(0, window - 1);
      origin[axis] = 0 - pad;
      const positions = Math.max(1, Math.ceil((extent + pad - window) / stride) + 1);
      parts.push({ of: axis, size: positions, step: stride });
      parts.push({ of: axis, size: window, step: 1 });
    } else {
      parts.push({ of: axis, size: extent, step: 1 });
    }
  });

  // Places in random order, innermost first; gaps where there is room, else a further ciphertext.
  const shuffled = parts
    .map((part) => ({ part, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ part }) => part);
  let slotStride = 1;
  let ciphertextStride = 1;
  const digits: Digit[] = shuffled.map((part) => {
    const gap = random() < 0.3 ? integer(1, 2) : 1;
    const stride = part.of === 'copy' ? nextPowerOfTwo(slotStride) : slotStride * gap;
    const fits = (part.size - 1) * stride + slotStride <= slots;
    // A batch shares its program: it stands in slots.
    if (fits && (part.of === 'batch' || random() < 0.8)) {
      slotStride = (part.size - 1) * stride + slotStride;
      return { ...part, place: 'slot', stride };
    }
    const digit: Digit = { ...part, place: 'ciphertext', stride: ciphertextStride };
    ciphertextStride *= part.size;
    return digit;
  });
  return {
    shape,
    slots,
    ciphertexts: ciphertextStride,
    origin,
    digits: random() < 0.5 ? digits : digits.reverse(),
    unused: zeroUnused,
  };
}

export function randomLayouts(options: RandomLayoutOptions = {}): fc.Arbitrary<Layout> {
  return fc.nat().map((seed) => randomLayout(seed, options));
}
