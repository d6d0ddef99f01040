/** The IndexedDB of this origin: secret keys that somebody asked to keep, wrapped. */
import { CipherloomError } from '../../errors.ts';

const name = 'cipherloom';
const version = 1;
const store = 'secret-keys';

/** A secret key in the form in which it rests, and what belongs to it. */
export interface KeyRecord {
  /** Hex. */
  readonly planHash: string;
  /** AES-GCM, non-extractable: usable by this origin in this browser, readable by nobody. */
  readonly wrappingKey: CryptoKey;
  readonly iv: Uint8Array<ArrayBuffer>;
  /** The secret key file, encrypted; the plan hash is authenticated with it. */
  readonly wrapped: ArrayBuffer;
  /** SHA-256 of the evaluation keys that were made last, hex. */
  readonly evaluationKeys: string | null;
  /** Results of the key that were shared. */
  readonly shared: number;
}

/** Read a record, or null. */
export async function readRecord(planHash: string): Promise<KeyRecord | null> {
  return inStore('readonly', async (records) => {
    const found: unknown = await settled(records.get(planHash));
    return (found as KeyRecord | undefined) ?? null;
  });
}

/** Put a record where there was none, or in the place of the old one. */
export async function writeRecord(record: KeyRecord): Promise<void> {
  await inStore('readwrite', async (records) => {
    await settled(records.put(record));
  });
}

/**
 * Change a record in one transaction, which is on disk when this resolves.
 *
 * Resolves to the record as it is now, or to null where there is none
 */
export async function changeRecord(
  planHash: string,
  change: (record: KeyRecord) => KeyRecord,
): Promise<KeyRecord | null> {
  return inStore('readwrite', async (records) => {
    const found: unknown = await settled(records.get(planHash));
    if (found === undefined) return null;
    const changed = change(found as KeyRecord);
    await settled(records.put(changed));
    return changed;
  });
}

export async function removeRecord(planHash: string): Promise<void> {
  await inStore('readwrite', async (records) => {
    await settled(records.delete(planHash));
  });
}

async function inStore<T>(
  mode: IDBTransactionMode,
  work: (records: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const database = await open();
  try {
    const transaction = database.transaction(store, mode, { durability: 'strict' });
    const ended = new Promise<undefined>((resolve, reject) => {
      transaction.oncomplete = () => {
        resolve(undefined);
      };
      transaction.onerror = transaction.onabort = () => {
        reject(failure(transaction.error));
      };
    });
    const [result] = await Promise.all([work(transaction.objectStore(store)), ended]);
    return result;
  } finally {
    database.close();
  }
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(store, { keyPath: 'planHash' });
  };
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(failure(request.error));
    };
  });
}

function failure(cause: DOMException | null): CipherloomError {
  return new CipherloomError(
    'FILE_UNWRITABLE',
    `this browser does not let the page keep keys: ${cause?.message ?? 'IndexedDB failed'}`,
    {
      phase: 'client',
      hint: 'leave private browsing, or go on without keeping the key',
      cause,
    },
  );
}
