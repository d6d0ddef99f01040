/** Window attributes of Conv and the pools: defaults and auto_pad. */
import { attribute } from '../define-importer.ts';
import type { ImportContext } from '../define-importer.ts';
import { autoPad, extents, ints } from './attribute-schemas.ts';

export const windowAttributes = {
  auto_pad: attribute(
    autoPad,
    'NOTSET takes `pads`; SAME_UPPER and SAME_LOWER pad to ⌈extent / stride⌉ positions; VALID does not pad',
  ),
  strides: attribute(extents.optional(), 'step of the window per axis, 1 where absent'),
  dilations: attribute(
    extents.optional(),
    'distance of the kernel elements per axis, 1 where absent',
  ),
  pads: attribute(
    ints.optional(),
    'padding before each axis, then behind each axis; 0 where absent',
  ),
};

export interface WindowValues {
  readonly auto_pad: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
}

export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Padding on one side: more is no network, but a file that wants memory. */
const maxPad = 2 ** 16;

/**
 * Strides, dilations and pads in full.
 *
 * Throws MODEL_INVALID for lists of another rank and for negative pads, RESOURCE_LIMIT for pads
 * beyond 2^16 and kernels beyond what a value may have. Source: ONNX operators,
 * "Conv": SAME pads to ⌈extent / stride⌉ positions, the odd element behind (UPPER) or before (LOWER).
 */
export function windowOf(
  spatial: readonly number[],
  kernel: readonly number[],
  values: WindowValues,
  context: Pick<ImportContext, 'invalid' | 'elements' | 'tooLarge'>,
): Window {
  const rank = spatial.length;
  const ones = spatial.map(() => 1);
  const { strides = ones, dilations = ones, pads = [...ones, ...ones].fill(0) } = values;
  const lists = {
    kernel_shape: [kernel, rank],
    strides: [strides, rank],
    dilations: [dilations, rank],
    pads: [pads, 2 * rank],
  } as const;
  for (const [name, [list, length]] of Object.entries(lists)) {
    if (list.length !== length) {
      context.invalid(`${name} has ${list.length} entries, ${rank} spatial axes need ${length}`, {
        [name]: list,
        spatial,
      });
    }
  }
  if (pads.some((pad) => pad < 0)) context.invalid(`negative pads [${pads.join(',')}]`, { pads });
  const widest = Math.max(0, ...pads);
  if (widest > maxPad) context.tooLarge(`it pads an axis by ${widest}`, widest, maxPad);
  context.elements(kernel);
  if (values.auto_pad === 'NOTSET') return { strides, dilations, pads };
  if (pads.some((pad) => pad !== 0))
    context.invalid(`both pads and auto_pad ${values.auto_pad} are given`);
  if (values.auto_pad === 'VALID') return { strides, dilations, pads };
  const total = spatial.map((extent, axis) => {
    const span = dilations[axis]! * (kernel[axis]! - 1) + 1;
    const stride = strides[axis]!;
    return Math.max(0, (Math.ceil(extent / stride) - 1) * stride + span - extent);
  });
  const less = total.map((pad) => Math.floor(pad / 2));
  const more = total.map((pad) => Math.ceil(pad / 2));
  const same = values.auto_pad === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
  return { strides, dilations, pads: same };
}
