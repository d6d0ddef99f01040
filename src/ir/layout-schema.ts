/** Schema of layouts as attributes of operations and fields of plans. */
import { z } from 'zod';

const index = z.int().nonnegative();

export const layoutSchema = z.strictObject({
  shape: z.array(z.int().positive()).readonly(),
  slots: z.int().positive(),
  ciphertexts: z.int().positive(),
  origin: z.array(z.int()).readonly(),
  digits: z
    .array(
      z.strictObject({
        of: z.union([index, z.literal('batch'), z.literal('copy')]),
        size: z.int().positive(),
        step: index,
        place: z.enum(['slot', 'ciphertext']),
        stride: index,
      }),
    )
    .readonly(),
  unused: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('zero') }),
    z.strictObject({ kind: z.literal('unknown'), bound: z.number().nonnegative() }),
  ]),
});
