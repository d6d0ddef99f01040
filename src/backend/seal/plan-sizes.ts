/** Bytes on the wire that a plan asks for, exactly. */
import type { ClientPlan } from '../../layout/client-plan.ts';
import { ciphertextFileBytes, ciphertextFileForm } from '../../seal/ciphertext-file.ts';
import { evaluationKeyBytes, keyRequests } from '../../seal/evaluation-keys.ts';
import { readSealParameters } from '../../seal/parameters.ts';

export interface PlanSizes {
  /** `evaluation.keys`: seeded and trimmed. */
  readonly keyBytes: number;
  /** What the client sends for one execution. */
  readonly inputCiphertextBytes: number;
  /** What the server returns for one execution. */
  readonly outputCiphertextBytes: number;
}

/** Compute the sizes of keys and ciphertexts. */
export function planSizes(client: ClientPlan): PlanSizes {
  const parameters = readSealParameters(client.parameters);
  const { planHash, batch } = client;
  const form = { planHash, batch, ringDegree: client.parameters.ringDegree };
  return {
    keyBytes: evaluationKeyBytes(parameters, keyRequests(client.keys)),
    inputCiphertextBytes: ciphertextFileBytes(
      ciphertextFileForm('inputs', form, client.inputs),
      batch,
    ),
    outputCiphertextBytes: ciphertextFileBytes(
      ciphertextFileForm('outputs', form, client.outputs),
      batch,
    ),
  };
}
