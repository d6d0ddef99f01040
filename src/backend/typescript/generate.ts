/** TypeScript for one compiled model: the code its users import. */
import type { ClientPlan } from '../../layout/client-plan.ts';
import { clientSource } from './client-source.ts';
import type { PlanFacts } from './describe-plan.ts';
import { serverSource } from './server-source.ts';

/** What `client.ts` imports unless it is told otherwise: the client inside the compiler's package. */
export const defaultClientImport = 'cipherloom/client';

/**
 * Generate `client.ts` and `server.ts`.
 *
 * They import `clientImport` and `cipherloom/server` alone, hold the plan's hash and refuse the files
 * of any other plan. The same plan gives the same bytes on every machine.
 *
 * Cost    about a second the first time, when the TypeScript parser loads
 * Throws  INTERNAL when a range, a bound or a shape is not finite
 */
export function generateTypeScript(
  plan: ClientPlan,
  facts: PlanFacts,
  clientImport: string = defaultClientImport,
): { readonly 'client.ts': string; readonly 'server.ts': string } {
  return {
    'client.ts': clientSource(plan, facts, clientImport),
    'server.ts': serverSource(plan, facts),
  };
}
