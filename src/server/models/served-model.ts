/** A plan folder that a server answers for. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { prepareProgram } from '../../backend/execute/prepare-program.ts';
import { nativeMemory } from '../../backend/native/native-memory.ts';
import type { NativeMemory } from '../../backend/native/native-memory.ts';
import { clientPlan, clientPlanText } from '../../backend/plan/client-plan.ts';
import { refuseStamped } from '../../backend/plan/refuse-stamped.ts';
import { readPlan, readPlanFile } from '../../backend/plan/read-plan.ts';
import type { LoadedPlan } from '../../backend/plan/read-plan.ts';
import { CipherloomError } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import {
  ciphertextFileBytes,
  ciphertextFileForm,
  evaluationKeyBytes,
  keyRequests,
  readSealParameters,
} from '../../seal/index.ts';
import type { CiphertextFileForm, SealParameters } from '../../seal/index.ts';

export interface ServedModel {
  readonly name: string;
  /** First 16 hex digits of the plan's hash. */
  readonly version: string;
  readonly planHash: string;
  readonly plan: LoadedPlan;
  /** Bytes of `model.loom`. */
  readonly planBytes: Uint8Array;
  readonly client: ClientPlan;
  /** `client.json`. */
  readonly clientText: string;
  readonly parameters: SealParameters;
  readonly inputs: CiphertextFileForm;
  readonly outputs: CiphertextFileForm;
  /** Predicted, of the native evaluator. */
  readonly memory: NativeMemory;
  /** Exact size of a bundle with the keys that the plan asks for. */
  readonly keyBytes: number;
}

export interface ModelSource {
  /** Null: the folder's name. */
  readonly name: string | null;
  readonly folder: string;
}

/** Names stand in paths of URLs. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `DIR`, or `NAME=DIR`. */
export function modelSource(text: string): ModelSource {
  const split = text.indexOf('=');
  const name = text.slice(0, Math.max(split, 0));
  return split > 0 && !name.includes('/')
    ? { name, folder: text.slice(split + 1) }
    : { name: null, folder: text };
}

/**
 * Load the plans of folders.
 *
 * Throws USAGE for names that are no names or occur twice; FILE_UNREADABLE, PLAN_INVALID;
 * PLAN_MISMATCH where `client.json` is another plan's; PARAMETERS_INSECURE for a stamped plan.
 */
export async function loadModels(
  sources: readonly ModelSource[],
  { insecure }: { readonly insecure: boolean },
): Promise<ReadonlyMap<string, ServedModel>> {
  const models = new Map<string, ServedModel>();
  for (const { name, folder } of sources) {
    const chosen = name ?? basename(resolve(folder));
    if (!namePattern.test(chosen)) {
      throw usage(`${JSON.stringify(chosen)} cannot name a model`, folder, `NAME=${folder}`);
    }
    if (models.has(chosen)) {
      throw usage(`two models are named ${chosen}`, folder, `${chosen}-2=${folder}`);
    }
    models.set(chosen, await loadModel(chosen, folder, insecure));
  }
  return models;
}

async function loadModel(name: string, folder: string, insecure: boolean): Promise<ServedModel> {
  const planBytes = await readPlanFile(join(folder, 'model.loom'));
  const plan = readPlan(planBytes);
  refuseStamped(folder, plan.facts.insecure, insecure);
  const labels = await readLabels(join(folder, 'client.json'), plan.hash);
  const client = clientPlan(plan, plan.hash, { labels });
  const parameters = readSealParameters(client.parameters);
  const form = {
    planHash: plan.hash,
    ringDegree: client.parameters.ringDegree,
    batch: client.batch,
  };
  return {
    name,
    version: plan.hash.slice(0, 16),
    planHash: plan.hash,
    plan,
    planBytes,
    client,
    clientText: clientPlanText(client),
    parameters,
    inputs: ciphertextFileForm('inputs', form, client.inputs),
    outputs: ciphertextFileForm('outputs', form, client.outputs),
    memory: nativeMemory(prepareProgram(plan.program)),
    keyBytes: evaluationKeyBytes(parameters, keyRequests(client.keys)),
  };
}

/** Bytes of a request and of its answer, for one execution. */
export function executionBytes({ inputs, outputs, client }: ServedModel): {
  readonly request: number;
  readonly response: number;
} {
  return {
    request: ciphertextFileBytes(inputs, client.batch),
    response: ciphertextFileBytes(outputs, client.batch),
  };
}

/** The names of classes, which stand in `client.json` alone; everything else follows from the plan. */
async function readLabels(
  path: string,
  planHash: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return new Map();
  const found = parsePlan(path, text);
  if (found.planHash !== planHash) {
    throw new CipherloomError(
      'PLAN_MISMATCH',
      `${path} is for plan ${String(found.planHash)}, model.loom beside it has the hash ${planHash}`,
      {
        phase: 'server',
        node: path,
        details: { got: found.planHash ?? null, expected: planHash },
        hint: 'one of the two files is from another compilation; compile the model again',
      },
    );
  }
  return new Map(
    (found.outputs ?? []).flatMap(({ name, labels }) =>
      labels === undefined ? [] : [[name, labels] as const],
    ),
  );
}

/** Only hash and labels are used of it, and both are checked. Throws PLAN_INVALID. */
function parsePlan(path: string, text: string): Partial<ClientPlan> {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === 'object' && found !== null) return found;
  } catch {
    // As for JSON that is no object.
  }
  throw new CipherloomError('PLAN_INVALID', `${path} is no client.json`, {
    phase: 'server',
    node: path,
    hint: 'compile the model again',
  });
}

function usage(message: string, node: string, hint: string): CipherloomError {
  return new CipherloomError('USAGE', message, { phase: 'server', node, hint });
}
