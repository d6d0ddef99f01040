import type { ClientPlan } from './client-plan.ts';
import { fillsCiphertext } from './layout.ts';

/** Outputs with an element in every slot of a ciphertext: no slot that must be zero shows that values wrapped. */
export function fullOutputs({ outputs }: Pick<ClientPlan, 'outputs'>): string[] {
  return outputs.filter(({ layout }) => fillsCiphertext(layout)).map(({ name }) => name);
}
