/** A model on an inference server, and the client whose inputs it computes on. */
import { CipherloomError } from '../../errors.ts';
import type { InputForm } from '../../layout/client-plan.ts';
import { readInputs, type TensorLike } from '../../layout/read-inputs.ts';
import type { Client } from '../client.ts';
import type { Tensor } from '../postprocess.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import {
  answerBytes,
  headerLengthField,
  readInferResponse,
  writeInferRequest,
  type PublicTensor,
} from './infer-message.ts';
import { keysInMemory, type KeySource } from './key-source.ts';
import { entriesOf, fieldsOf } from './server-error.ts';
import { findKeys, uploadKeys, type UploadOptions, type UploadResult } from './upload-keys.ts';

export interface ConnectOptions extends ConnectionOptions {
  /** Name of the model on the server; else the URL ends with /v2/models/NAME, or the server is asked. */
  readonly model?: string;
  /** Accept a plan of the server's that is below 128 bits; for tests. */
  readonly insecure?: boolean;
  readonly signal?: AbortSignal;
}

export interface InferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Name of the request: sent again under it, it is evaluated once. Drawn when left out. */
  readonly id?: string;
  /** Called with each stage as it begins. */
  readonly onStage?: (stage: InferStage) => void;
  /** Called with what leaves the client and what comes back, to show or to measure. */
  readonly onCiphertext?: (what: 'request' | 'response', bytes: Uint8Array<ArrayBuffer>) => void;
}

export type InferStage = 'encrypt' | 'evaluate' | 'decrypt';

const maxMetadataBytes = 2 ** 20;
const maxClientJsonBytes = 2 ** 26;
/** For answers that take the server no work. */
const quickMs = 30_000;
/** Before the first answer an address is wrong more often than a server is away for a moment. */
const firstContact = { timeoutMs: quickMs, attempts: 3 };

/** What names a model: the connection to its server, and the path under it. */
export interface ModelAddress {
  readonly connection: Connection;
  readonly name: string;
}

/**
 * Find a model: by the name that is given or ends the URL, else on the server by its plan, or as the only
 * one.
 *
 * Throws USAGE where several models could be meant, PLAN_MISMATCH where none has the plan
 */
export async function modelAddress(
  url: string | URL,
  { model, signal, ...options }: ConnectOptions,
  planHash?: string,
): Promise<ModelAddress> {
  const match = /^(.*?)\/v2\/models\/([^/?#]+)\/?$/.exec(String(url));
  const connection = new Connection(match?.[1] ?? url, options);
  const inUrl = match?.[2] === undefined ? undefined : decodeURIComponent(match[2]);
  const name = model ?? inUrl;
  if (name !== undefined) return { connection, name };
  const served = await listModels(connection, signal);
  const names = served
    .filter(({ version }) => planHash === undefined || version === planHash.slice(0, 16))
    .map((found) => found.name);
  const [only] = names;
  // Models of one plan are equal; without a plan there is nothing to choose by.
  if (only !== undefined && (planHash !== undefined || names.length === 1)) {
    return { connection, name: only };
  }
  const listed = served.map((found) => JSON.stringify(found.name)).join(', ');
  if (planHash !== undefined) {
    throw new CipherloomError('PLAN_MISMATCH', `no model of the server has plan ${planHash}`, {
      phase: 'client',
      node: connection.url,
      details: { expected: planHash, got: served },
      hint: `the server has ${listed || 'no models'}; serve the plan that the client was compiled with`,
    });
  }
  throw new CipherloomError('USAGE', 'no model is named', {
    phase: 'client',
    hint: `connect('${connection.url}', { model: 'NAME' }); the server has ${listed || 'no models'}`,
  });
}

interface ListedModel {
  readonly name: string;
  readonly version: string;
}

async function listModels(
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<ListedModel[]> {
  const { body } = await connection.send('/v2/repository/index', {
    ...firstContact,
    method: 'POST',
    maxBytes: maxMetadataBytes,
    signal,
  });
  return entriesOf(body).flatMap(({ name, version }) =>
    typeof name === 'string' && typeof version === 'string' ? [{ name, version }] : [],
  );
}

/** The text of `client.json` as a server has it. Its content was not checked. */
export async function fetchClientJson(
  { connection, name }: ModelAddress,
  signal?: AbortSignal,
): Promise<string> {
  const { body } = await connection.send(`${pathOf(name)}/client.json`, {
    ...firstContact,
    maxBytes: maxClientJsonBytes,
    signal,
  });
  return new TextDecoder().decode(body);
}

function pathOf(name: string): string {
  return `/v2/models/${encodeURIComponent(name)}`;
}

export class RemoteModel {
  /** Holds the secret key; nothing of it is sent. */
  readonly client: Client;
  readonly name: string;
  readonly #connection: Connection;
  #keys: string | null = null;

  private constructor(client: Client, { connection, name }: ModelAddress) {
    this.client = client;
    this.name = name;
    this.#connection = connection;
  }

  /**
   * Find the model and make sure that it is the one the client was made for.
   *
   * Throws PLAN_MISMATCH; NOT_FOUND, UNAUTHORIZED, SERVER_UNREACHABLE
   */
  static async open(
    client: Client,
    address: ModelAddress,
    signal?: AbortSignal,
  ): Promise<RemoteModel> {
    const { body } = await address.connection.send(pathOf(address.name), {
      ...firstContact,
      maxBytes: maxMetadataBytes,
      signal,
    });
    const { parameters } = fieldsOf(body);
    const got = (parameters as { readonly plan?: unknown } | undefined)?.plan;
    const { planHash } = client.plan;
    if (got !== planHash) {
      const shown = typeof got === 'string' ? got.slice(0, 64) : 'no plan';
      throw new CipherloomError(
        'PLAN_MISMATCH',
        `the server has plan ${shown} under ${JSON.stringify(address.name)}, this client is for ${planHash}`,
        {
          phase: 'client',
          node: address.name,
          details: { got: shown, expected: planHash },
          hint: 'use the client.json of this server, or serve the plan that the client was compiled with',
        },
      );
    }
    return new RemoteModel(client, address);
  }

  /** Of the server. */
  get url(): string {
    return this.#connection.url;
  }

  /** SHA-256 of the evaluation keys in use, hex; null before `uploadKeys` or `useKeys`. */
  get keys(): string | null {
    return this.#keys;
  }

  /** Use evaluation keys that are on the server: those of this client's secret key. */
  useKeys(sha256: string): void {
    this.#keys = sha256;
  }

  /** Use evaluation keys if the server has them whole; says whether it does. */
  async useKeysOnServer(sha256: string, signal?: AbortSignal): Promise<boolean> {
    const { complete } = await findKeys(this.#connection, sha256, signal);
    if (complete) this.#keys = sha256;
    return complete;
  }

  /**
   * Send evaluation keys, from where an earlier upload of the same ones stopped, and use them.
   *
   * Cost    for a stream, memory of all keys; for a source, of one part
   * Throws  as `uploadKeys` of `upload-keys.ts`
   */
  async uploadKeys(
    keys: KeySource | { bytes(): Promise<Uint8Array<ArrayBuffer>> },
    options: UploadOptions = {},
  ): Promise<UploadResult> {
    const source = 'sha256' in keys ? keys : await keysInMemory(keys);
    const result = await uploadKeys(this.#connection, this.name, source, options);
    this.#keys = source.sha256;
    return result;
  }

  /** Remove the evaluation keys from the server; nothing happens where they are gone. */
  async removeKeys(signal?: AbortSignal): Promise<void> {
    if (this.#keys === null) return;
    await this.#connection.send(`/v2/keys/${this.#keys}`, {
      method: 'DELETE',
      accept: [204, 404],
      maxBytes: maxMetadataBytes,
      timeoutMs: quickMs,
      signal,
    });
    this.#keys = null;
  }

  /**
   * Encrypt, have the server compute, decrypt. Inputs that the plan has in the clear go as they are.
   *
   * Share what this returns with nobody but the key's owner: see `Client.decrypt`.
   *
   * Throws  INPUT_INVALID before anything is sent; what the server names; RESPONSE_INVALID,
   *         CIPHERTEXT_INVALID and others for an answer that the plan rules out
   */
  async infer(
    inputs: Readonly<Record<string, TensorLike>>,
    options: InferOptions = {},
  ): Promise<Record<string, Tensor>> {
    const { onStage, onCiphertext, signal } = options;
    const { publicInputs = [] } = this.client.plan;
    const isPublic = (name: string): boolean => publicInputs.some((input) => input.name === name);
    const [open, secret] = [true, false].map((wanted) =>
      Object.fromEntries(Object.entries(inputs).filter(([name]) => isPublic(name) === wanted)),
    );
    signal?.throwIfAborted();
    onStage?.('encrypt');
    const publicTensors = readPublicTensors(publicInputs, open ?? {});
    const request = await this.client.encrypt(secret ?? {});
    const images = await this.client.imagesOf(request);
    onCiphertext?.('request', request);
    onStage?.('evaluate');
    const response = await this.evaluate(request, { ...options, publicTensors });
    onCiphertext?.('response', response);
    onStage?.('decrypt');
    return this.client.decrypt(response, { images });
  }

  /**
   * Have the server compute on a ciphertext file; the answer has its exact length, no more is checked
   * before `Client.decrypt` does.
   */
  async evaluate(
    ciphertext: Uint8Array<ArrayBuffer>,
    options: InferOptions & { readonly publicTensors?: readonly PublicTensor[] } = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { signal, publicTensors = [], id = crypto.randomUUID() } = options;
    const { client } = this;
    if (this.#keys === null) {
      throw new CipherloomError(
        'KEYS_INVALID',
        'the server has no evaluation keys of this client',
        {
          phase: 'client',
          node: this.name,
          hint: 'await model.uploadKeys(client.evaluationKeys()) first',
        },
      );
    }
    const { headerBytes, body } = writeInferRequest({
      id,
      keys: this.#keys,
      planHash: client.plan.planHash,
      ciphertext,
      publicTensors,
    });
    const ciphertextBytes = client.outputCiphertextBytes(await client.imagesOf(ciphertext));
    const answer = await this.#connection.send(`${pathOf(this.name)}/infer`, {
      method: 'POST',
      headers: { [headerLengthField]: String(headerBytes) },
      body,
      maxBytes: answerBytes(ciphertextBytes),
      signal,
    });
    return readInferResponse(answer, { id, ciphertextBytes });
  }
}

function readPublicTensors(
  forms: readonly InputForm[],
  given: Readonly<Record<string, TensorLike>>,
): PublicTensor[] {
  if (forms.length === 0) return [];
  const { tensors } = readInputs(forms, given);
  return forms.map(({ name, shape }, t) => {
    const images = tensors[t] ?? [];
    const data = Float32Array.from(images.flatMap((image) => [...image]));
    return {
      name,
      shape: images.length === 1 ? shape : [images.length, ...shape.slice(shape[0] === 1 ? 1 : 0)],
      data,
    };
  });
}
