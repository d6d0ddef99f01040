/**
 * Secret keys that rest in the browser, because somebody asked for it.
 *
 * A key is encrypted with an AES-GCM key that Web Crypto made non-extractable: no script reads it, and
 * what is copied out of IndexedDB is of no use elsewhere. It does not protect from a script that runs
 * in a page of this origin, nor from whoever can use the browser's profile.
 */
import { CipherloomError } from '../../errors.ts';
import { parseHash } from '../../seal/sha256.ts';
import type { SharingCounter } from '../sharing.ts';
import { changeRecord, readRecord, writeRecord } from './database.ts';

/** The length that AES-GCM is defined with; a key wraps once, so a random one never repeats. */
const ivBytes = 12;

/** Whether a secret key for a plan rests in this browser. */
export async function hasStoredKey(planHash: string): Promise<boolean> {
  return (await readRecord(planHash)) !== null;
}

/** Keep a secret key file, wrapped; one that rested for the same plan is replaced. */
export async function storeSecretKey(
  planHash: string,
  secretKey: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const wrappingKey = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
  const wrapped = await crypto.subtle.encrypt(wrapping(planHash, iv), wrappingKey, secretKey);
  await writeRecord({ planHash, wrappingKey, iv, wrapped, evaluationKeys: null, shared: 0 });
}

/**
 * The secret key file that rests for a plan, and the name of its evaluation keys; null where there is
 * none. Throws SECRET_KEY_INVALID where it cannot be unwrapped.
 */
export async function loadSecretKey(planHash: string): Promise<{
  readonly secretKey: Uint8Array<ArrayBuffer>;
  readonly evaluationKeys: string | null;
} | null> {
  const record = await readRecord(planHash);
  if (record === null) return null;
  const { iv, wrapped, wrappingKey, evaluationKeys } = record;
  try {
    const bytes = await crypto.subtle.decrypt(wrapping(planHash, iv), wrappingKey, wrapped);
    return { secretKey: new Uint8Array(bytes), evaluationKeys };
  } catch (cause) {
    throw new CipherloomError('SECRET_KEY_INVALID', 'the key kept in this browser is damaged', {
      phase: 'client',
      hint: 'forget it and make new keys',
      cause,
    });
  }
}

/** Note the evaluation keys that were made of a resting key. */
export async function nameEvaluationKeys(planHash: string, sha256: string): Promise<void> {
  await changeRecord(planHash, (record) => ({ ...record, evaluationKeys: sha256 }));
}

/** Counts shared results beside the resting key. Throws SECRET_KEY_INVALID where none rests. */
export function storedSharingCounter(planHash: string): SharingCounter {
  return {
    async increment() {
      const record = await changeRecord(planHash, (old) => ({ ...old, shared: old.shared + 1 }));
      if (record !== null) return record.shared;
      throw new CipherloomError('SECRET_KEY_INVALID', 'the key was removed from this browser', {
        phase: 'client',
        hint: 'make new keys',
      });
    },
  };
}

function wrapping(planHash: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: parseHash(planHash) ?? new Uint8Array() };
}
