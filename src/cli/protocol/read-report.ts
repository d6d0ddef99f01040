import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { readBoundedFile } from '../read-file.ts';

export const reportFileName = 'report.json';
const maxReportBytes = 2 ** 26;

const finite = z.number();

const evaluatorSeconds = z.object({ run: finite, first: finite });

/** The part of a report that commands read; what else it says is for people. */
const reportSchema = z.object({
  format: z.literal(1),
  planHash: z.string(),
  target: z.enum(['portable', 'native']),
  precisionBits: finite,
  peakCiphertextBytes: finite,
  modelledSeconds: finite.nullable(),
  evaluatorSeconds: z
    .object({ native: evaluatorSeconds, seal: evaluatorSeconds.nullable() })
    .nullable()
    .default(null),
  approximations: z.array(
    z.object({
      node: z.string().nullable(),
      op: z.string(),
      method: z.string(),
      degree: z.int(),
      range: z.tuple([finite, finite]),
    }),
  ),
  ranges: z.array(
    z.object({
      node: z.string().nullable(),
      op: z.string(),
      lo: finite,
      hi: finite,
      source: z.string(),
    }),
  ),
  choices: z
    .array(
      z.object({
        node: z.string().nullable(),
        chosen: z.string(),
        candidates: z.array(z.object({ name: z.string(), seconds: finite })),
      }),
    )
    .default([]),
});

export type StoredReport = z.infer<typeof reportSchema>;

/**
 * The report of a plan folder, or null where it has none: a plan runs without it.
 *
 * Throws  PLAN_INVALID, PLAN_MISMATCH, FILE_UNREADABLE
 */
export function readReport(folder: string, plan: ClientPlan): StoredReport | null {
  return readReportAs(reportSchema, folder, plan);
}

/** The same, with as much of the report as a schema asks for. */
export function readReportAs<T extends { readonly planHash: string }>(
  schema: z.ZodType<T>,
  folder: string,
  plan: ClientPlan,
): T | null {
  const path = join(folder, reportFileName);
  if (!existsSync(path)) return null;
  const parsed = schema.safeParse(parseJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CipherloomError(
      'PLAN_INVALID',
      `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`,
      { phase: 'cli', node: path, hint: 'compile the model again' },
    );
  }
  if (parsed.data.planHash !== plan.planHash) {
    throw new CipherloomError(
      'PLAN_MISMATCH',
      `${path} is about the plan ${parsed.data.planHash}, client.json is for ${plan.planHash}`,
      {
        phase: 'cli',
        node: path,
        details: { got: parsed.data.planHash, expected: plan.planHash },
        hint: 'compile the model again',
      },
    );
  }
  return parsed.data;
}

function parseJson(path: string): unknown {
  const text = new TextDecoder().decode(readBoundedFile(path, maxReportBytes));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CipherloomError('PLAN_INVALID', `${path} is not JSON`, {
      phase: 'cli',
      node: path,
      hint: 'compile the model again',
      cause,
    });
  }
}
