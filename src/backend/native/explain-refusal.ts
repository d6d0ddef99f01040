/** Why the native evaluator refused what it was sent, in the words that the other parts use. */
import { CipherloomError } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { checkCiphertextBlob, loadSeal, SealContexts } from '../../seal/index.ts';
import type { EvaluationKeys } from '../../seal/index.ts';
import type { CiphertextBlobs } from '../plan-runner.ts';

/** What a refusal can be about. */
export interface Sent {
  readonly client: ClientPlan;
  readonly keys: EvaluationKeys;
  readonly inputs: CiphertextBlobs;
}

/**
 * The error to throw in place of `error`, which the addon threw.
 *
 * A damaged ciphertext or key is checked again here, so that a refusal names field, offset and both
 * values, and reads the same whatever evaluates; the addon's own error stands where these checks
 * find nothing.
 *
 * Cost: none for a request that succeeds; else one pass over what was sent.
 */
export async function explainRefusal(error: unknown, sent: Sent): Promise<unknown> {
  if (!(error instanceof CipherloomError)) return error;
  try {
    if (error.code === 'CIPHERTEXT_INVALID') await checkInputs(sent);
    if (error.code === 'KEYS_INVALID') await sent.keys.verify();
    return error;
  } catch (explained) {
    return explained instanceof CipherloomError ? explained : error;
  }
}

/** Throws CIPHERTEXT_INVALID or CIPHERTEXT_TRUNCATED. */
async function checkInputs({ client, keys, inputs }: Sent): Promise<void> {
  const { parameters } = keys.binding;
  using contexts = new SealContexts(await loadSeal(), parameters);
  for (const { name, scale, level } of client.inputs) {
    const primeCount = level + 1;
    for (const [index, blob] of (inputs.get(name) ?? []).entries()) {
      checkCiphertextBlob(blob, {
        name,
        index,
        scale,
        form: 'seeded',
        ringDegree: parameters.ringDegree,
        moduli: contexts.moduli(primeCount),
        parmsId: contexts.parmsId(primeCount),
      });
    }
  }
}
