/** Layouts as messages, checked when they are read. */
import { CipherloomError } from '../../errors.ts';
import { checkLayout, elementCount, isBatchLayout } from '../../layout/layout.ts';
import type { Digit, Layout } from '../../layout/layout.ts';
import type { PlanMessage } from './message.ts';

type LayoutMessage = PlanMessage['layouts'][number];

/**
 * What a plan may ask a reader to place: 2^28 slots are 268 MB while a layout is checked, 2^26
 * elements 512 MB of places. A batch layout is looked at by ciphertexts and slots, not by every pair
 * of them: what bounds its slots is that places have 31 bits.
 */
const maxSlots = 2 ** 28;
const maxBatchSlots = 2 ** 31 - 1;
const maxPlaced = 2 ** 26;

export function encodeLayout({
  shape,
  slots,
  ciphertexts,
  origin,
  digits,
  unused,
}: Layout): LayoutMessage {
  return {
    shape: [...shape],
    slots,
    ciphertexts,
    origin: [...origin],
    digits: digits.map(({ of, size, step, place, stride }) => ({
      of: typeof of === 'number' ? 'axis' : of,
      ...(typeof of === 'number'
        ? { axis: of }
        : of === 'batch'
          ? { batch: true }
          : { copy: true }),
      size,
      step,
      inCiphertext: place === 'ciphertext',
      stride,
    })),
    ...(unused.kind === 'unknown' ? { unusedBound: unused.bound } : {}),
  };
}

/** One text per layout, equal for equal layouts. */
export function layoutKey(layout: Layout): string {
  return JSON.stringify(encodeLayout(layout));
}

/**
 * Read the layouts of a plan, each checked.
 *
 * Throws PLAN_INVALID naming the layout, the rule and the numbers, before anything is allocated for
 * it.
 */
export function decodeLayouts(messages: readonly LayoutMessage[], slots: number): Layout[] {
  let placed = 0;
  return messages.map((message, n) => {
    const what = `layout ${n}`;
    const fail = (reason: string, details: Record<string, unknown>): never => {
      throw new CipherloomError('PLAN_INVALID', `${what}: ${reason}`, {
        phase: 'plan',
        node: what,
        details,
        hint: 'compile the model again',
      });
    };
    if (message.slots !== slots) {
      fail(`has ${message.slots} slots, half the ring degree is ${slots}`, {
        got: message.slots,
        expected: slots,
      });
    }
    const digits = message.digits.map(({ of, axis, size, step, inCiphertext, stride }): Digit => {
      if (of === 'batch' && inCiphertext) fail('spreads a batch over ciphertexts', {});
      return {
        of: of === 'axis' ? (axis ?? 0) : of,
        size,
        step,
        place: inCiphertext ? 'ciphertext' : 'slot',
        stride,
      };
    });
    const limit = isBatchLayout({ digits }) ? maxBatchSlots : maxSlots;
    const { ciphertexts } = message;
    if (ciphertexts > maxPlaced || ciphertexts * slots > limit) {
      fail(`has ${ciphertexts} ciphertexts of ${slots} slots, more than ${limit} slots`, {
        ciphertexts,
        limit,
      });
    }
    placed += digits.reduce(
      (product, { of, size }) => (of === 'batch' ? product : product * size),
      1,
    );
    const elements = elementCount(message.shape);
    if (!(placed <= maxPlaced) || !(elements <= maxPlaced)) {
      fail(`places too many elements; a plan may place ${maxPlaced}`, { placed, elements });
    }
    const batch = digits.reduce(
      (size, digit) => (digit.of === 'batch' ? size + digit.step * (digit.size - 1) : size),
      1,
    );
    if (!(batch <= slots)) fail(`holds ${batch} images in ${slots} slots`, { batch, slots });
    const layout: Layout = {
      shape: message.shape,
      slots: message.slots,
      ciphertexts: message.ciphertexts,
      origin: message.origin,
      digits,
      unused:
        message.unusedBound === undefined
          ? { kind: 'zero' }
          : { kind: 'unknown', bound: message.unusedBound },
    };
    checkLayout(layout, what);
    return layout;
  });
}
