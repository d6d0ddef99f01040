/** Evaluation keys in the object store, put there again before they expire. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ObjectStore } from '@nats-io/obj';
import { noSuchKeys } from '../../keys/no-such-keys.ts';
import { keysObject } from './names.ts';

interface Known {
  readonly file: string;
  /** When they were last seen in the store; 0 for never. */
  seenAt: number;
}

export class PublishedKeys {
  readonly #bucket: ObjectStore;
  readonly #keepMs: number;
  readonly #known = new Map<string, Known>();
  /** Uploads that are under way. */
  readonly #uploads = new Map<string, Promise<void>>();

  constructor(bucket: ObjectStore, keepMs: number) {
    this.#bucket = bucket;
    this.#keepMs = keepMs;
  }

  /** Note where the file of keys is; `ensure` puts it into the store. */
  note(tenant: string, keys: string, file: string): void {
    const object = keysObject(tenant, keys);
    this.#known.set(object, { file, seenAt: this.#known.get(object)?.seenAt ?? 0 });
  }

  /**
   * Have the keys in the store for half of their time at least.
   *
   * Throws NOT_FOUND for keys that were not noted.
   */
  async ensure(tenant: string, keys: string): Promise<void> {
    const object = keysObject(tenant, keys);
    const known = this.#known.get(object);
    if (known === undefined) throw noSuchKeys();
    if (Date.now() - known.seenAt < this.#keepMs / 2) return;
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
    if ((await this.#bucket.info(object)) !== null) await this.#bucket.delete(object);
  }

  async #put(object: string, known: Known): Promise<void> {
    const { size } = await stat(known.file);
    const found = await this.#bucket.info(object);
    const age = found === null ? Infinity : Date.now() - Date.parse(found.mtime);
    // Names are digests of the content.
    if (found?.deleted === false && found.size === size && age < this.#keepMs / 2) {
      known.seenAt = Date.now() - age;
      return;
    }
    const bytes = Readable.toWeb(createReadStream(known.file)) as ReadableStream<Uint8Array>;
    await this.#bucket.put({ name: object, options: { max_chunk_size: 2 ** 19 } }, bytes);
    known.seenAt = Date.now();
  }
}
