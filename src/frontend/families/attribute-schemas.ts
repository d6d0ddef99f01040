/** Schemas of ONNX attributes that several importers share. */
import { z } from 'zod';
import type { OnnxTensor } from '../onnx/model.ts';

export const int = z.int();
export const ints = z.array(z.int()).readonly();
/** Integers that may be "the end" markers beyond 2^53. */
export const positions = z.array(z.number()).readonly();
export const float = z.number();
export const flag = z.union([z.literal(0), z.literal(1)]).transform((value) => value === 1);
export const autoPad = z.enum(['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']).default('NOTSET');
export const extents = z.array(z.int().positive()).readonly();

/** A tensor attribute. */
export const tensorAttribute = z.custom<OnnxTensor>(
  (value) => typeof value === 'object' && value !== null && 'dims' in value && 'read' in value,
  'is not a tensor',
);
