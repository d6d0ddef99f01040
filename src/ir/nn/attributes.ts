/** Attribute schemas that operators share. */
import { z } from 'zod';

/** Reference to a constant of the program. */
export const constantReference = z.string().startsWith('@');

/** Name of an input. What begins with `@` among attributes is a reference to a constant. */
export const inputName = z
  .string()
  .refine((name) => !name.startsWith('@'), 'the name of an input cannot begin with "@"');

export const extents = z.array(z.int().positive()).readonly();
export const integers = z.array(z.int()).readonly();
export const axis = z.int().nonnegative();

/** A window that slides over the spatial axes, one entry per axis. */
export const windowAttributes = {
  strides: extents,
  dilations: extents,
  /** Rows added before each axis, then behind each axis. */
  pads: z.array(z.int().nonnegative()).readonly(),
};

/** A window that ends in one value per position. */
export const poolAttributes = {
  kernelShape: extents,
  ...windowAttributes,
  /** Whether a last window that only partly fits counts. */
  ceilMode: z.boolean(),
};
