import { z } from 'zod';
import type { Phase } from '../../errors.ts';
import { defineJsonSchema } from './define-json-schema.ts';
import { errorCode } from './fields.ts';

const phases = {
  cli: true,
  frontend: true,
  ir: true,
  nn: true,
  packed: true,
  ckks: true,
  plan: true,
  client: true,
  server: true,
  seal: true,
  check: true,
} satisfies Record<Phase, true>;

const schema = z.strictObject({
  code: errorCode.describe('cipherloom explain CODE says more'),
  phase: z.enum(Object.keys(phases)).nullable().describe('the part that found the fault'),
  node: z.string().nullable().describe('ONNX node, tensor, field or file'),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).describe('the numbers compared'),
  hint: z.string().nullable().describe('what to type next'),
});

export default defineJsonSchema({
  name: 'error',
  title: 'What --json prints on stderr when a command fails.',
  schema,
});
