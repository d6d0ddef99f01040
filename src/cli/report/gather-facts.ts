import { join } from 'node:path';
import { loadPlan } from '../../backend/plan/read-plan.ts';
import { planLayers } from '../../backend/report/plan-layers.ts';
import type { Client } from '../../client/index.ts';
import { CipherloomError } from '../../errors.ts';
import { calibratedMargin, syntheticMargin } from '../../passes/estimate-noise.ts';
import { namingFilesLater } from '../naming-files.ts';
import { planFileName } from '../output-folder.ts';
import { requireSamePlan } from '../plan-folder.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { reportFileName } from '../protocol/read-report.ts';
import { shownEvaluator, type PageFacts } from './page-facts.ts';
import { readEvidence } from './read-evidence.ts';
import { readFullReport } from './read-full-report.ts';

/**
 * All that the page of a plan folder says: from its three files, from the results in it, and from
 * those in other files.
 *
 * Cost    gathering the products of every linear map a few times
 * Throws  FILE_UNREADABLE, DATA_INVALID, PLAN_INVALID, PLAN_MISMATCH, RESOURCE_LIMIT
 */
export async function gatherFacts(
  folder: string,
  client: Client,
  results: readonly string[] = [],
): Promise<PageFacts> {
  const path = join(folder, planFileName);
  const plan = await namingFilesLater({ PLAN_INVALID: path, PARAMETERS_INSECURE: path }, () =>
    loadPlan(path),
  );
  requireSamePlan(folder, plan.hash, client.plan.planHash);
  const report = readFullReport(folder, client.plan);
  if (report === null) {
    throw new CipherloomError('FILE_UNREADABLE', `${folder} has no ${reportFileName}`, {
      phase: 'cli',
      node: join(folder, reportFileName),
      hint: `cipherloom compile MODEL -o ${folder}`,
    });
  }
  const synthetic = report.warnings.some(({ id }) => id === 'CALIBRATION_SYNTHETIC');
  return {
    plan,
    client: client.plan,
    figures: planFigures(client),
    report,
    layers: planLayers(plan.program, {
      margin: synthetic ? syntheticMargin : calibratedMargin,
      evaluator: shownEvaluator,
    }),
    evidence: readEvidence(folder, plan.hash, results),
  };
}
