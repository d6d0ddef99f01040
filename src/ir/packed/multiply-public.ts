import { z } from 'zod';
import { zeroUnused } from '../../layout/layout.ts';
import { defineOp } from '../define-op.ts';
import { multiplyIntervals } from '../intervals.ts';
import { boundsOf } from '../nn/values.ts';
import { publicAttributes, publicSlots } from './public-operand.ts';
import { slottedType, vectorsOf, vectorsValue, zipSlots } from './values.ts';

export default defineOp({
  name: 'packed.multiply-public',
  code: 108,
  summary: 'Multiply by a value that the server knows; unused slots become zero.',
  operands: [{ name: 'x', doc: 'any vector' }],
  attributes: z.strictObject(publicAttributes),
  levels: 1,
  infer(operands) {
    const { layout } = slottedType(operands[0]);
    return { kind: 'vector', layout: { ...layout, unused: zeroUnused }, range: null };
  },
  range: (operands, { range }) => multiplyIntervals(boundsOf(operands[0]), range),
  evaluate: (operands, types, { value }, context) =>
    vectorsValue(
      zipSlots(vectorsOf(operands[0]), publicSlots(types[0], value, context), (a, b) => a * b),
    ),
});
