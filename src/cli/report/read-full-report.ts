import { z } from 'zod';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { readReportAs } from '../protocol/read-report.ts';
import { reportFields } from '../schemas/report.ts';
import { approximation } from '../schemas/fields.ts';
import type { FullReport } from './page-facts.ts';

/** More of anything is no report of a network. */
const most = 20_000;
const mostPoints = 1024;

const curve = z.array(z.number()).max(mostPoints);
const sketch = z.object({ density: curve, exact: curve, polynomial: curve });

/** As the published schema has it, but bounded, and open to what other versions add. */
const schema = z.object({
  ...reportFields,
  ranges: reportFields.ranges.max(most),
  approximations: z
    .array(
      z.object({
        ...approximation.shape,
        sketch: sketch.nullable().default(null),
      }),
    )
    .max(most),
  approximationError: reportFields.approximationError.max(most),
  jointChoice: reportFields.jointChoice.default(null),
  keyBudget: reportFields.keyBudget.default(null),
  choices: reportFields.choices.max(most),
  warnings: reportFields.warnings.max(most),
}) satisfies z.ZodType<FullReport>;

/**
 * All of the report of a plan folder; null where it has none.
 *
 * Throws  PLAN_INVALID, PLAN_MISMATCH, FILE_UNREADABLE
 */
export function readFullReport(folder: string, plan: ClientPlan): FullReport | null {
  return readReportAs(schema, folder, plan);
}
