/** Evaluation keys in their stream, put there again before they expire. */
import { openFileSource } from '../../../seal/file-source.ts';
import { noSuchKeys } from '../../keys/no-such-keys.ts';
import type { JetStreamConnection } from './connection.ts';
import { deleteKeys, findKeys, putKeys } from './stored-keys.ts';
import { keysObject } from './names.ts';

interface Known {
  readonly file: string;
  /** When they were last put into the stream; 0 for never. */
  storedAt: number;
}

export class PublishedKeys {
  readonly #connection: JetStreamConnection;
  readonly #keepMs: number;
  readonly #known = new Map<string, Known>();
  /** Uploads that are under way. */
  readonly #uploads = new Map<string, Promise<void>>();

  constructor(connection: JetStreamConnection, keepMs: number) {
    this.#connection = connection;
    this.#keepMs = keepMs;
  }

  /** Note where the file of keys is; `ensure` puts it into the stream. */
  note(tenant: string, keys: string, file: string): void {
    const object = keysObject(tenant, keys);
    this.#known.set(object, { file, storedAt: this.#known.get(object)?.storedAt ?? 0 });
  }

  /**
   * Have the keys in the stream for half of their time at least.
   *
   * Throws NOT_FOUND for keys that were not noted.
   */
  async ensure(tenant: string, keys: string): Promise<void> {
    const object = keysObject(tenant, keys);
    const known = this.#known.get(object);
    if (known === undefined) throw noSuchKeys();
    if (this.#isFresh(known.storedAt)) return;
    let upload = this.#uploads.get(object);
    if (upload === undefined) {
      upload = this.#put(object, known).finally(() => {
        this.#uploads.delete(object);
      });
      this.#uploads.set(object, upload);
    }
    await upload;
  }

  async forget(tenant: string, keys: string): Promise<void> {
    const object = keysObject(tenant, keys);
    this.#known.delete(object);
    await this.#uploads.get(object)?.catch(() => undefined);
    await deleteKeys(this.#connection, object);
  }

  async #put(object: string, known: Known): Promise<void> {
    // Another server may have put them there; names are digests of the content.
    const found = await findKeys(this.#connection, object);
    if (found !== null && this.#isFresh(found.storedAt)) {
      known.storedAt = found.storedAt;
      return;
    }
    await using file = await openFileSource(known.file);
    await putKeys(this.#connection, object, file);
    known.storedAt = Date.now();
  }

  #isFresh(storedAt: number): boolean {
    return Date.now() - storedAt < this.#keepMs / 2;
  }
}
