import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { refuseStamped } from '../backend/plan/refuse-stamped.ts';
import { Client } from '../client/index.ts';
import { CipherloomError } from '../errors.ts';
import { namingFiles, namingFilesLater } from './naming-files.ts';
import { flag } from './option-schemas.ts';
import { planFileName } from './output-folder.ts';
import { InferenceSession, type SessionOptions } from '../server/index.ts';
import { readBoundedFile } from './read-file.ts';

const clientFileName = 'client.json';
const maxClientBytes = 2 ** 26;

/** Commands that load a plan refuse one that is stamped insecure, unless they are told otherwise. */
export const insecureOption = {
  schema: flag(),
  describe: 'load a plan that is stamped insecure',
} as const;

/**
 * The client of a plan folder, from its `client.json` alone.
 *
 * Throws  FILE_UNREADABLE, PLAN_INVALID, PARAMETERS_INSECURE
 */
export function openClient(folder: string, { insecure }: { readonly insecure: boolean }): Client {
  const path = join(folder, clientFileName);
  requireFile(folder, clientFileName);
  const client = namingFiles({ PLAN_INVALID: path, PARAMETERS_INSECURE: path }, () =>
    Client.load(new TextDecoder().decode(readBoundedFile(path, maxClientBytes))),
  );
  refuseStamped(folder, client.plan.parameters.insecure, insecure);
  return client;
}

/**
 * A session of a plan folder, from its `model.loom`.
 *
 * With a client, refused unless both belong together.
 * Throws  FILE_UNREADABLE, PLAN_INVALID, PLAN_MISMATCH, PARAMETERS_INSECURE, and for the keys as
 *         `InferenceSession.create`
 */
export async function openSession(
  folder: string,
  { insecure, client }: { readonly insecure: boolean; readonly client?: Client },
  options: SessionOptions,
): Promise<InferenceSession> {
  requireFile(folder, planFileName);
  const path = join(folder, planFileName);
  const keys =
    typeof options.evaluationKeys === 'string'
      ? { KEYS_INVALID: options.evaluationKeys, KEYS_MISMATCH: options.evaluationKeys }
      : {};
  const session = await namingFilesLater(
    { PLAN_INVALID: path, PARAMETERS_INSECURE: path, ...keys },
    () => InferenceSession.create(path, options),
  ).catch((error: unknown) => {
    // Keys that this client made itself are foreign to the plan only where the client is.
    if (client !== undefined && error instanceof CipherloomError && error.code === 'KEYS_MISMATCH')
      requireSamePlan(folder, String(error.details.expected), client.plan.planHash);
    throw error;
  });
  try {
    refuseStamped(folder, session.plan.facts.insecure, insecure);
    if (client !== undefined) requireSamePlan(folder, session.plan.hash, client.plan.planHash);
    return session;
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Refuse files of different compilations. Throws PLAN_MISMATCH. */
export function requireSamePlan(folder: string, got: string, expected: string): void {
  if (got === expected) return;
  throw new CipherloomError(
    'PLAN_MISMATCH',
    `${folder}: ${planFileName} has the hash ${got}, ${clientFileName} is for ${expected}`,
    {
      phase: 'plan',
      node: folder,
      details: { got, expected },
      hint: 'one of the two files is from another compilation; compile the model again',
    },
  );
}

function requireFile(folder: string, name: string): void {
  if (existsSync(join(folder, name))) return;
  throw new CipherloomError('FILE_UNREADABLE', `${folder} is no plan: it has no ${name}`, {
    phase: 'cli',
    node: join(folder, name),
    hint: `cipherloom compile MODEL -o ${folder}`,
  });
}
