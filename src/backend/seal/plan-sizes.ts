/** Bytes that a plan asks for, exactly: on the wire, and of its keys in memory. */
import type { ClientPlan } from '../../layout/client-plan.ts';
import { ciphertextFileBytes, ciphertextFileForm } from '../../seal/ciphertext-file.ts';
import { evaluationKeyBytes, keyRequests } from '../../seal/evaluation-keys.ts';
import { residentKeyBytes } from '../../seal/index.ts';
import { readSealParameters } from '../../seal/parameters.ts';

export interface PlanSizes {
  /** `evaluation.keys`: seeded and trimmed. */
  readonly keyBytes: number;
  /** The same keys expanded in the server's memory. */
  readonly residentKeyBytes: number;
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
  const requests = keyRequests(client.keys);
  return {
    keyBytes: evaluationKeyBytes(parameters, requests),
    residentKeyBytes: requests.reduce(
      (sum, { primeCount }) =>
        sum + residentKeyBytes(form.ringDegree, primeCount, parameters.specialPrimes.length),
      0,
    ),
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
