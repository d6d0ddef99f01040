import { reportParameters, type ReportParameters } from '../../backend/report/build-report.ts';
import type { Client } from '../../client/index.ts';
import { keyRequests, residentKeyBytes } from '../../seal/index.ts';

/** Figures that follow from a client plan alone, recomputed from its primes and keys. */
export interface PlanFigures {
  readonly parameters: ReportParameters;
  /** Size of `evaluation.keys`: seeded and trimmed. */
  readonly keyBytes: number;
  /** The same keys expanded in the server's memory. */
  readonly residentKeyBytes: number;
  readonly rotationKeys: number;
  /** Of one execution. */
  readonly inputCiphertextBytes: number;
  readonly outputCiphertextBytes: number;
}

export function planFigures(client: Client): PlanFigures {
  const { plan } = client;
  const { ringDegree, specialPrimes } = plan.parameters;
  return {
    parameters: reportParameters(plan),
    keyBytes: client.evaluationKeyBytes,
    residentKeyBytes: keyRequests(plan.keys).reduce(
      (sum, { primeCount }) => sum + residentKeyBytes(ringDegree, primeCount, specialPrimes.length),
      0,
    ),
    rotationKeys: plan.keys.rotations.length,
    inputCiphertextBytes: client.inputCiphertextBytes(),
    outputCiphertextBytes: client.outputCiphertextBytes(),
  };
}
