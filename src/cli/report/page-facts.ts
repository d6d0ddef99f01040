import type { PlanLayer } from '../../backend/report/plan-layers.ts';
import type { Report } from '../../backend/report/build-report.ts';
import type { LoadedPlan } from '../../backend/plan/read-plan.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import type { PlanFigures } from '../protocol/plan-figures.ts';
import type { Evidence } from './read-evidence.ts';

/** The content of `report.json`; one of an earlier version lacks the sketches. */
export type FullReport = Omit<Report, 'approximations'> & {
  readonly approximations: readonly ApproximationRow[];
};

type Approximation = Report['approximations'][number];
export type ApproximationRow = Omit<Approximation, 'sketch'> & {
  readonly sketch: Approximation['sketch'] | null;
};

/** The evaluator whose modelled time the page begins with: it runs every plan, and is the faster. */
export const shownEvaluator = 'native';

/** All that the page says. */
export interface PageFacts {
  readonly plan: LoadedPlan;
  readonly client: ClientPlan;
  readonly figures: PlanFigures;
  readonly report: FullReport;
  readonly layers: readonly PlanLayer[];
  readonly evidence: Evidence;
}
