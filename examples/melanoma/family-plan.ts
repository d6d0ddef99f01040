/** Plans of the family's networks, and what their reports say of them. */
import { compile, CipherloomError, type CompiledModel } from 'cipherloom';
import { familyNetwork } from './family.ts';
import type { readCalibration } from './model.ts';
import { planOptions } from './plans.ts';

export interface FamilyFigures {
  readonly ringDegree: number;
  readonly keyBytes: number;
  readonly uploadBytes: number;
  /** One core, an execution. */
  readonly modelledSeconds: number | null;
  readonly compileSeconds: number;
}

export interface FamilyPlan {
  readonly refused: null;
  readonly compiled: CompiledModel;
  readonly figures: FamilyFigures;
}

/** The network for images of `size` pixels on one of the plans, or why there is none. */
export async function compileFamily(
  size: number,
  plan: 'latency' | 'throughput',
  calibration: Awaited<ReturnType<typeof readCalibration>>,
): Promise<FamilyPlan | { readonly refused: string }> {
  const startedAt = performance.now();
  let compiled;
  try {
    compiled = await compile(familyNetwork(size), { options: planOptions[plan], calibration });
  } catch (error) {
    if (!(error instanceof CipherloomError)) throw error;
    return { refused: error.message };
  }
  const { report } = compiled;
  return {
    refused: null,
    compiled,
    figures: {
      ringDegree: report.parameters.ringDegree,
      keyBytes: report.keyBytes,
      uploadBytes: report.inputCiphertextBytes,
      modelledSeconds: report.modelledSeconds,
      compileSeconds: (performance.now() - startedAt) / 1000,
    },
  };
}
