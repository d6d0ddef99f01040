/**
 * Evaluation keys on disk, by content: `FOLDER/TENANT/SHA256.keys`, complete and verified, or
 * `SHA256.part` while an upload goes on, each with what is known of it in `….json` beside it.
 *
 * A partial file survives a restart. A complete one appears by rename, after its bytes are on disk.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
} from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CipherloomError } from '../../errors.ts';
import {
  EvaluationKeys,
  keyFileMagicBytes,
  keyRequests,
  refuseSecretKey,
} from '../../seal/index.ts';
import { openFileSource } from '../../seal/file-source.ts';
import type { ServedModel } from '../models/served-model.ts';
import { RequestError } from '../request-error.ts';
import { oneAtATime } from './one-at-a-time.ts';

export interface KeyStoreOptions {
  readonly folder: string;
  /** Of one bundle. */
  readonly maxKeyBytes: number;
  /** Of all bundles of one tenant, uploads that are under way included. */
  readonly tenantBytes: number;
  /** Milliseconds after their last use that keys are kept. */
  readonly keepMs: number;
  /** Milliseconds that a partial upload is kept. */
  readonly keepPartialMs: number;
}

export interface KeyState {
  readonly planHash: string;
  readonly received: number;
  readonly total: number;
  readonly complete: boolean;
}

/** A part of a bundle: bytes `from` up to, not including, `end`, of `total`. */
export interface UploadPart {
  readonly from: number;
  readonly end: number;
  readonly total: number;
  /** Begin anew where something arrived before; else a part must go on where that ended. */
  readonly restart: boolean;
}

export interface StoredKeys {
  readonly tenant: string;
  readonly id: string;
  readonly file: string;
}

interface KeyFacts {
  readonly planHash: string;
  readonly total: number;
}

/** Beside the tenants, in a folder that no tenant can be named after: what sessions expand keys to. */
export const expandedKeys = '.expanded';

const idPattern = /^[0-9a-f]{64}$/;

export class KeyStore {
  readonly #options: KeyStoreOptions;
  readonly #inTurn = oneAtATime();

  private constructor(options: KeyStoreOptions) {
    this.#options = options;
  }

  /** Open a folder; it is made where it is not there. Throws FILE_UNWRITABLE. */
  static async open(options: KeyStoreOptions): Promise<KeyStore> {
    try {
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new CipherloomError('FILE_UNWRITABLE', `cannot make the folder ${options.folder}`, {
        phase: 'server',
        node: options.folder,
        cause,
        hint: 'give a folder that this user may write to (--key-store)',
      });
    }
    return new KeyStore(options);
  }

  /** The file of complete keys, or null; counts as their use. */
  async use(tenant: string, id: string): Promise<{ file: string; planHash: string } | null> {
    const state = await this.state(tenant, id);
    if (state?.complete !== true) return null;
    const file = this.#path(tenant, id, 'keys');
    const now = new Date();
    await utimes(file, now, now);
    return { file, planHash: state.planHash };
  }

  /** What is known of keys; null where there are none of this tenant. */
  async state(tenant: string, id: string): Promise<KeyState | null> {
    if (!idPattern.test(id)) return null;
    for (const kind of ['keys', 'part'] as const) {
      const facts = await this.#facts(tenant, id, kind);
      const size = await sizeOf(this.#path(tenant, id, kind));
      if (facts === null || size === null) continue;
      const complete = kind === 'keys';
      // Where the server was stopped before it verified them all, the last byte is asked for again.
      const received = complete ? size : Math.min(size, facts.total - 1);
      return { ...facts, received, complete };
    }
    return null;
  }

  /**
   * Take a part of a bundle; the last one completes it, after its hash and every key were checked.
   *
   * What arrives before a connection breaks stays; nothing of a part that is refused does: where it
   * did not arrive in time (DEADLINE_EXCEEDED), the parts before it are left. Throws REQUEST_CONFLICT
   * with `received` where the part does not go on there; RESOURCE_LIMIT for bundles over the limits
   * (413) and a full disk (507); KEYS_INVALID, KEYS_MISMATCH, after which nothing is left of the upload.
   */
  async put(
    tenant: string,
    id: string,
    model: ServedModel,
    part: UploadPart,
    body: AsyncIterable<Uint8Array>,
  ): Promise<KeyState & { readonly present: boolean }> {
    return this.#inTurn(`${tenant}/${id}`, async () => {
      const before = await this.state(tenant, id);
      if (before?.complete === true) return { ...before, present: true };
      const facts = { planHash: model.planHash, total: part.total };
      const same = before?.planHash === facts.planHash && before.total === facts.total;
      const begin = part.restart || !same;
      const received = begin ? 0 : before.received;
      if (part.from !== received) throw outOfPlace(part.from, received);
      if (begin) {
        await this.#requireRoom(tenant, id, part.total);
        await this.#remove(tenant, id);
        await mkdir(join(this.#options.folder, tenant), { recursive: true, mode: 0o700 });
      }
      try {
        const now = await this.#append(tenant, id, facts, part, body);
        if (now < part.total) {
          return { ...facts, received: now, complete: false, present: false };
        }
        await this.#complete(tenant, id, model, facts);
      } catch (error) {
        if (isFull(error) || isRefusal(error)) await this.#remove(tenant, id);
        else if (isLate(error)) await this.#forgetPart(tenant, id, part);
        throw isFull(error) ? storeFull(error) : error;
      }
      return { ...facts, received: part.total, complete: true, present: false };
    });
  }

  /** Remove keys, or what arrived of them; whether there were any. */
  async remove(tenant: string, id: string): Promise<boolean> {
    return this.#inTurn(`${tenant}/${id}`, async () => {
      if ((await this.state(tenant, id)) === null) return false;
      await this.#remove(tenant, id);
      return true;
    });
  }

  /** All complete keys. */
  async *stored(): AsyncGenerator<StoredKeys> {
    for (const { tenant, id, kind } of await this.#files()) {
      if (kind === 'keys') yield { tenant, id, file: this.#path(tenant, id, kind) };
    }
  }

  /** Bytes of all tenants on disk. */
  async bytes(): Promise<number> {
    return (await this.#files()).reduce((sum, { size }) => sum + size, 0);
  }

  /** Remove what was not used for long; returns the complete keys that are gone. */
  async expire(now: number): Promise<StoredKeys[]> {
    const { keepMs, keepPartialMs } = this.#options;
    const gone: StoredKeys[] = [];
    for (const { tenant, id, kind, modified } of await this.#files()) {
      if (now - modified <= (kind === 'keys' ? keepMs : keepPartialMs)) continue;
      const file = this.#path(tenant, id, kind);
      if (kind === 'keys') gone.push({ tenant, id, file });
      await this.#inTurn(`${tenant}/${id}`, () => this.#remove(tenant, id));
    }
    await this.#expireExpanded(now - keepMs);
    return gone;
  }

  /** Expanded keys are made again where they are still needed; sessions that map them keep them. */
  async #expireExpanded(before: number): Promise<void> {
    const folder = join(this.#options.folder, expandedKeys);
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const known = await stat(path).catch(() => null);
      if (known !== null && known.mtimeMs < before) await rm(path, { force: true });
    }
  }

  #path(tenant: string, id: string, kind: string): string {
    return join(this.#options.folder, tenant, `${id}.${kind}`);
  }

  async #facts(tenant: string, id: string, kind: 'keys' | 'part'): Promise<KeyFacts | null> {
    try {
      return JSON.parse(await readFile(this.#path(tenant, id, `${kind}.json`), 'utf8')) as KeyFacts;
    } catch {
      // Missing, or cut short by a crash: as if it had never been.
      return null;
    }
  }

  async #files(): Promise<
    { tenant: string; id: string; kind: 'keys' | 'part'; size: number; modified: number }[]
  > {
    const { folder } = this.#options;
    const found = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      for (const name of await readdir(join(folder, entry.name))) {
        const match = /^([0-9a-f]{64})\.(keys|part)$/.exec(name);
        const known = await stat(join(folder, entry.name, name)).catch(() => null);
        if (match === null || known === null) continue;
        found.push({
          tenant: entry.name,
          id: match[1]!,
          kind: match[2] as 'keys' | 'part',
          size: known.size,
          modified: known.mtimeMs,
        });
      }
    }
    return found;
  }

  /** Throws RESOURCE_LIMIT. */
  async #requireRoom(tenant: string, id: string, total: number): Promise<void> {
    const { maxKeyBytes, tenantBytes } = this.#options;
    if (total > maxKeyBytes) throw tooLarge('a bundle of keys has', total, maxKeyBytes);
    let used = total;
    for (const file of await this.#files()) {
      if (file.tenant !== tenant || file.id === id) continue;
      const facts = await this.#facts(tenant, file.id, file.kind);
      used += Math.max(file.size, facts?.total ?? 0);
    }
    if (used > tenantBytes) throw tooLarge('the keys of this tenant would have', used, tenantBytes);
  }

  /** Write to the end of the partial file; returns its size, which is on disk. */
  async #append(
    tenant: string,
    id: string,
    facts: KeyFacts,
    { from, end }: UploadPart,
    body: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    let at = from;
    let start = new Uint8Array();
    let file: FileHandle | null = null;
    const write = async (bytes: Uint8Array): Promise<void> => {
      file ??= await this.#openPartial(tenant, id, facts, from);
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
    };
    try {
      for await (const chunk of body) {
        let bytes: Uint8Array = chunk;
        if (from === 0 && at === 0) {
          // Of a secret key nothing may reach the disk.
          bytes = start = Buffer.concat([start, chunk]);
          if (start.length < keyFileMagicBytes) continue;
          refuseSecretKey(start);
        }
        if (at + bytes.length > end)
          throw tooLarge('the part has at least', at + bytes.length, end);
        await write(bytes);
      }
      if (at === 0 && start.length > 0) await write(start);
    } catch (error) {
      // Why it ended counts, not that a full disk cannot be synced either.
      await closeSynced(file).catch(() => undefined);
      throw error;
    }
    await closeSynced(file);
    return at;
  }

  async #openPartial(
    tenant: string,
    id: string,
    facts: KeyFacts,
    from: number,
  ): Promise<FileHandle> {
    await writeSynced(this.#path(tenant, id, 'part.json'), JSON.stringify(facts));
    const file = await open(this.#path(tenant, id, 'part'), from === 0 ? 'w' : 'r+', 0o600);
    if (from > 0) await file.truncate(from);
    return file;
  }

  /** Throws KEYS_INVALID, KEYS_MISMATCH. */
  async #complete(
    tenant: string,
    id: string,
    { parameters, planHash, client }: ServedModel,
    facts: KeyFacts,
  ): Promise<void> {
    const path = this.#path(tenant, id, 'part');
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    const got = hash.digest('hex');
    if (got !== id) {
      throw new CipherloomError('KEYS_INVALID', 'evaluation keys: their SHA-256 is another', {
        phase: 'server',
        details: { got, expected: id },
        hint: 'upload them again, from the first byte',
      });
    }
    await using source = await openFileSource(path);
    const keys = await EvaluationKeys.open(source, { planHash, parameters });
    keys.require(keyRequests(client.keys));
    await keys.verify();
    await writeSynced(this.#path(tenant, id, 'keys.json'), JSON.stringify(facts));
    await rename(path, this.#path(tenant, id, 'keys'));
    await rm(this.#path(tenant, id, 'part.json'), { force: true });
    await syncFolder(join(this.#options.folder, tenant));
  }

  async #forgetPart(tenant: string, id: string, { from }: UploadPart): Promise<void> {
    if (from === 0) await this.#remove(tenant, id);
    else await truncate(this.#path(tenant, id, 'part'), from);
  }

  async #remove(tenant: string, id: string): Promise<void> {
    for (const kind of ['keys', 'keys.json', 'part', 'part.json']) {
      await rm(this.#path(tenant, id, kind), { force: true });
    }
  }
}

async function sizeOf(path: string): Promise<number | null> {
  const known = await stat(path).catch(() => null);
  return known?.size ?? null;
}

async function closeSynced(file: FileHandle | null): Promise<void> {
  try {
    await file?.sync();
  } finally {
    await file?.close();
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await using file = await open(temporary, 'w', 0o600);
  await file.writeFile(text);
  await file.sync();
  await rename(temporary, path);
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

/** Whether what was sent can never become keys; a connection that broke leaves what arrived. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof CipherloomError &&
    (error.code === 'KEYS_INVALID' || error.code === 'KEYS_MISMATCH')
  );
}

/** Whether a part did not arrive within its time. */
function isLate(error: unknown): boolean {
  return error instanceof CipherloomError && error.code === 'DEADLINE_EXCEEDED';
}

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function storeFull(cause: unknown): RequestError {
  return new RequestError('RESOURCE_LIMIT', 'the disk of the key store is full', {
    status: 507,
    cause,
    hint: 'tell the operator of the server; keys that were there stay',
  });
}

function tooLarge(what: string, got: number, limit: number): RequestError {
  return new RequestError('RESOURCE_LIMIT', `${what} ${got} bytes, ${limit} are allowed`, {
    status: 413,
    details: { got, limit },
    hint: 'remove keys that are no longer used (DELETE /v2/keys/{sha256}), or ask for more room',
  });
}

function outOfPlace(from: number, received: number): RequestError {
  return new RequestError(
    'REQUEST_CONFLICT',
    `the part begins at byte ${from}, ${received} have arrived`,
    {
      status: 409,
      details: { from, received },
      body: { received },
      hint: `go on at byte ${received}, or remove the upload (DELETE) to begin anew`,
    },
  );
}
