import { z } from 'zod';
import { baselineFigures } from '../check/baseline-figures.ts';
import { defineJsonSchema } from './define-json-schema.ts';

const share = z.number().min(0).max(1);

const byteBudget = z
  .union([z.int().nonnegative(), z.string().regex(/^[0-9.]+\s*([kmgt]i?)?b?$/i)])
  .describe('bytes: a number, or with a unit as in "256MiB"');

const schema = z.strictObject({
  $schema: z.string().exactOptional().describe('where this schema lies, for editors'),
  minSecurity: z.number().min(0).max(512).exactOptional().describe('bits'),
  minPrecisionBits: z.number().min(0).max(64).exactOptional().describe('bits, of the worst output'),
  maxLatencyMs: z
    .number()
    .positive()
    .exactOptional()
    .describe('milliseconds of one evaluation: modelled, or measured with --measured'),
  maxKeyBytes: byteBudget.exactOptional(),
  maxMemoryBytes: byteBudget.exactOptional(),
  maxRangeEscape: share.exactOptional().describe('probability that a value leaves its range'),
  minAgreement: share.exactOptional().describe('share of images, 0 to 1'),
  minAccuracy: share.exactOptional().describe('share of images, 0 to 1'),
  tolerances: z
    .strictObject(
      Object.fromEntries(
        baselineFigures.map(({ name, tolerance }) => [
          name,
          z
            .number()
            .nonnegative()
            .exactOptional()
            .describe(
              tolerance.kind === 'absolute'
                ? `how much less than the baseline is allowed; default ${tolerance.default}`
                : `share of the baseline that may come on top; default ${tolerance.default}`,
            ),
        ]),
      ),
    )
    .exactOptional()
    .describe('how much worse than --baseline each figure may be'),
});

export type BudgetFile = z.infer<typeof schema>;

export default defineJsonSchema({
  name: 'budget',
  title: 'cipherloom.budget.json: the budgets that check holds a plan to.',
  schema,
});
