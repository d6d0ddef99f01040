import { z } from 'zod';
import { defineJsonSchema } from './define-json-schema.ts';
import { bytes, milliseconds, warnings } from './fields.ts';
import { reportFields } from './report.ts';

const ir = z
  .array(z.strictObject({ pass: z.string(), text: z.string() }))
  .describe('programs that --print-ir-after or --stop-after asked for');

const compiled = z.strictObject({
  ...reportFields,
  residentKeyBytes: bytes.describe("expanded keys in the server's memory"),
  output: z.string().describe('folder of the plan'),
  files: z.array(z.strictObject({ name: z.string(), bytes })),
  timingsMs: z.strictObject({ compile: milliseconds }),
  ir: ir.exactOptional(),
  warnings,
});

const stopped = z.strictObject({ name: z.string(), stopAfter: z.string(), ir, warnings });

export default defineJsonSchema({
  name: 'compile',
  title: 'Output of compile --json: a plan was written, or --stop-after ended the compilation.',
  schema: z.union([compiled, stopped]),
});
