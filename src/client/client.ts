/**
 * The client of a compiled model: makes keys, encrypts inputs, decrypts results. Runs in browsers
 * and in Node; nothing else of cipherloom ever holds a secret key.
 */
import { CipherloomError } from '../errors.ts';
import type { ClientInput, ClientOutput, ClientPlan } from '../layout/client-plan.ts';
import { fillsCiphertext, pack, unpack, usedSlots } from '../layout/layout.ts';
import { modulusBits, requireSecurity, securityLevel } from '../layout/security.ts';
import {
  ciphertextFileBytes,
  ciphertextFileForm,
  readCiphertextFile,
  writeCiphertextFile,
  type CiphertextFileForm,
} from '../seal/ciphertext-file.ts';
import { SealContexts } from '../seal/contexts.ts';
import { evaluationKeyBytes, keyRequests, writeEvaluationKeys } from '../seal/evaluation-keys.ts';
import { loadSeal } from '../seal/load-seal.ts';
import { readSealParameters, type SealParameters } from '../seal/parameters.ts';
import {
  generateSecretKey,
  readSecretKey,
  SecretKeyUser,
  writeSecretKey,
  type SecretKey,
} from '../seal/secret-key.ts';
import type { SwitchingKeyRequest } from '../seal/switching-key-blob.ts';
import { postprocess, type Tensor } from './postprocess.ts';
import { readClientPlan } from './read-client-plan.ts';
import {
  fetchClientJson,
  modelAddress,
  RemoteModel,
  type ConnectOptions,
} from './remote/remote-model.ts';
import {
  shareValues,
  sharingTerms,
  countShared,
  type SharedResult,
  type SharingOptions,
} from './sharing.ts';
import { readInputs, type TensorLike } from '../layout/read-inputs.ts';

export interface KeyProgress {
  readonly done: number;
  readonly total: number;
}

export interface KeyOptions {
  /** Called after each evaluation key. */
  readonly onProgress?: (progress: KeyProgress) => void;
  readonly signal?: AbortSignal;
}

/** Evaluation keys, made while they are read; each reading makes a fresh set. */
export interface EvaluationKeyStream extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** Exact size in bytes. */
  readonly byteLength: number;
  /** All pieces as one array. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

export interface DecryptOptions {
  /** Images that were encrypted; a result of another number is refused. */
  readonly images?: number;
}

export interface GeneratedKeys {
  /** A secret key file: whoever has it reads every input and result. Never send it. */
  readonly secretKey: Uint8Array<ArrayBuffer>;
  /** For the server: lets it compute on ciphertexts, not read them. */
  readonly evaluationKeys: EvaluationKeyStream;
}

/**
 * A decrypted value this many times the plan's bound is no result: the ciphertext was made with
 * other keys, or the plan overflowed. Below it, an input beyond the calibrated ranges may be why.
 */
const garbageFactor = 8;

export class Client implements Disposable {
  readonly plan: ClientPlan;
  readonly #parameters: SealParameters;
  #secretKey: SecretKey | null = null;
  #contexts: SealContexts | null = null;
  #user: SecretKeyUser | null = null;

  private constructor(plan: ClientPlan, parameters: SealParameters) {
    this.plan = plan;
    this.#parameters = parameters;
  }

  /**
   * Make a client from the text, or the parsed value, of `client.json`.
   *
   * The security is recomputed from the parameters; a plan below its own target is refused unless
   * it is stamped insecure (then `insecure` says so).
   *
   * Throws PLAN_INVALID naming the field, PARAMETERS_INSECURE
   */
  static load(clientJson: unknown): Client {
    const plan = readClientPlan(clientJson);
    const parameters = readSealParameters(plan.parameters);
    if (!plan.parameters.insecure) {
      requireSecurity(
        parameters.ringDegree,
        modulusBits([...parameters.primes, ...parameters.specialPrimes]),
        plan.parameters.securityTarget,
      );
    }
    return new Client(plan, parameters);
  }

  /**
   * Make a client for a model on a server, from the `client.json` that the server has.
   *
   * The server chooses the plan then: what is computed, and how secure the parameters are, 128 bits at
   * least unless `insecure` allows less. Where the plan is known beforehand, use `load` and `connect`.
   *
   * Throws as `load` and `connect`; PARAMETERS_INSECURE
   */
  static async connect(url: string | URL, options: ConnectOptions = {}): Promise<RemoteModel> {
    const address = await modelAddress(url, options);
    const client = Client.load(await fetchClientJson(address, options.signal));
    if (client.insecure && options.insecure !== true) refuseInsecure(client.plan, address.name);
    return RemoteModel.open(client, address, options.signal);
  }

  /**
   * Find this client's model on a server: by its plan, unless a name is given.
   *
   * Throws PLAN_MISMATCH where the server has another plan under the name; NOT_FOUND, UNAUTHORIZED,
   *        SERVER_UNREACHABLE
   */
  async connect(url: string | URL, options: ConnectOptions = {}): Promise<RemoteModel> {
    const address = await modelAddress(url, options, this.plan.planHash);
    return RemoteModel.open(this, address, options.signal);
  }

  /** Whether the parameters are below 128 bits, recomputed; such a plan protects nothing. */
  get insecure(): boolean {
    const { ringDegree, primes, specialPrimes } = this.#parameters;
    return securityLevel(ringDegree, modulusBits([...primes, ...specialPrimes])) === null;
  }

  get inputNames(): readonly string[] {
    return this.plan.inputs.map(({ name }) => name);
  }

  get outputNames(): readonly string[] {
    return this.plan.outputs.map(({ name }) => name);
  }

  get hasSecretKey(): boolean {
    return this.#secretKey !== null;
  }

  /** Exact size of the evaluation keys in bytes. */
  get evaluationKeyBytes(): number {
    return evaluationKeyBytes(this.#parameters, keyRequests(this.plan.keys));
  }

  /** Exact size of `encrypt`'s result in bytes. */
  inputCiphertextBytes(images = 1): number {
    return ciphertextFileBytes(this.#form('inputs'), images);
  }

  /** Exact size of a result in bytes. */
  outputCiphertextBytes(images = 1): number {
    return ciphertextFileBytes(this.#form('outputs'), images);
  }

  /**
   * Draw a secret key, which this client then uses, and make evaluation keys for it.
   *
   * Cost    about n · 10 ms for a key of n digits at ring degree 16384, when the stream is read
   * Throws  the signal's reason when aborted
   */
  async generateKeys(options: KeyOptions = {}): Promise<GeneratedKeys> {
    options.signal?.throwIfAborted();
    this.#useSecretKey(generateSecretKey(await this.#openContexts()));
    return {
      secretKey: await this.exportSecretKey(),
      evaluationKeys: this.evaluationKeys(options),
    };
  }

  /** Make (another set of) evaluation keys for the secret key in use. */
  evaluationKeys(options: KeyOptions = {}): EvaluationKeyStream {
    this.#requireSecretKey();
    const iterate = (): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> =>
      this.#makeEvaluationKeys(options);
    const byteLength = this.evaluationKeyBytes;
    return {
      byteLength,
      [Symbol.asyncIterator]: iterate,
      async bytes() {
        const all = new Uint8Array(byteLength);
        let at = 0;
        for await (const piece of iterate()) {
          all.set(piece, at);
          at += piece.length;
        }
        return all;
      },
    };
  }

  /** Use a secret key file that `generateKeys` made for this plan. Throws SECRET_KEY_INVALID. */
  async importSecretKey(bytes: Uint8Array): Promise<void> {
    this.#useSecretKey(
      await readSecretKey(bytes, { planHash: this.plan.planHash, parameters: this.#parameters }),
    );
  }

  /** The secret key file of the key in use. Keep it from everyone; in Node, write it mode 0600. */
  async exportSecretKey(): Promise<Uint8Array<ArrayBuffer>> {
    return writeSecretKey(this.#requireSecretKey(), {
      planHash: this.plan.planHash,
      parameters: this.#parameters,
    });
  }

  /**
   * Encrypt inputs: one image, or several, `plan.batch` of them an execution.
   *
   * Shapes  each input: the model's shape, or [K, …] for K images
   * Error   symmetric encryption: coefficients of variance 10.6 before scaling
   * Throws  INPUT_INVALID with tensor, index, value and range before anything is encrypted
   */
  async encrypt(inputs: Readonly<Record<string, TensorLike>>): Promise<Uint8Array<ArrayBuffer>> {
    const { images, tensors } = readInputs(this.plan.inputs, inputs);
    const user = await this.#open();
    const { batch } = this.plan;
    const executions = Array.from({ length: Math.ceil(images / batch) }, (_, execution) =>
      this.plan.inputs.map((input, t) => {
        const held = tensors[t]?.slice(execution * batch, (execution + 1) * batch) ?? [];
        return pack(input.layout, held).map((vector) =>
          user.encrypt(vector, input.scale, input.level + 1, input.name),
        );
      }),
    );
    return writeCiphertextFile(this.#form('inputs'), images, executions);
  }

  /**
   * Encrypt one ciphertext of an input from its slots, as `layout` of the plan places them: for
   * requests that are larger than memory, a ciphertext after the other.
   *
   * Shapes  slots: [ringDegree / 2]; unused ones are zero
   * Error   as `encrypt`
   * Throws  INPUT_INVALID for an unknown input, another length, or a value outside the declared range
   */
  async encryptSlots(
    name: string,
    slots: Float64Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    // A copy: memory shared with another thread cannot change after the check.
    const values = slots.slice();
    const input = requireSlots(this.plan, name, values);
    const user = await this.#open();
    return user.encrypt(values, input.scale, input.level + 1, name);
  }

  /**
   * Decrypt results and finish them (softmax, argMax) as the plan says.
   *
   * Share what this returns with nobody but the key's owner: exact results of CKKS reveal the
   * error of the ciphertext, and with it the key (Li, Micciancio, EUROCRYPT 2021).
   *
   * Throws  PLAN_MISMATCH, CIPHERTEXT_TRUNCATED, CIPHERTEXT_INVALID before WebAssembly sees the
   *         bytes; CIPHERTEXT_INVALID when the values are far outside the plan's bound (outside at all
   *         where every slot holds an element), or when slots that hold none are not zero: then
   *         values wrapped modulo Q
   */
  async decrypt(
    bytes: Uint8Array<ArrayBuffer>,
    options: DecryptOptions = {},
  ): Promise<Record<string, Tensor>> {
    const decrypted = await this.#decryptImages(bytes, options);
    return Object.fromEntries(
      decrypted.map(({ output, images }) => [output.name, finish(output, images)]),
    );
  }

  /**
   * Decrypt results so that others may see them: flooded with noise and rounded to `bits` bits.
   *
   * `decrypt` is for the key's owner alone. What this returns hides the error of the ciphertext as far
   * as `statisticalBits` of the result says; `docs/sharing.md` says what that means.
   *
   * Error   a value is at most 3/4 of its `step` from the exact one, but for a chance of 2^-40
   * Throws  SHARING_REFUSED where the plan is not precise enough for so many bits, or the key has been
   *         used for `maxShared` results; else as `decrypt`
   */
  async decryptForSharing(
    bytes: Uint8Array<ArrayBuffer>,
    bits: number,
    options: SharingOptions,
  ): Promise<SharedResult> {
    const { outputs, precisionBits } = this.plan;
    const { images: count } = await readCiphertextFile(bytes, this.#form('outputs'));
    const terms = outputs.map((output) =>
      sharingTerms(output, { ...options, precisionBits, bits, images: count }),
    );
    const decrypted = await this.#decryptImages(bytes, options);
    // Counted before anything is returned: a crash can only count too many.
    const shared = await countShared(options);
    const results = decrypted.map(({ output, images }, t) => {
      const flooded = images.map((values) => shareValues(values, terms[t]!));
      return [output.name, { ...finish(output, flooded), ...terms[t]! }] as const;
    });
    return { outputs: Object.fromEntries(results), shared };
  }

  /** Images that a ciphertext file of inputs holds. Throws as `decrypt` before WebAssembly sees it. */
  async imagesOf(request: Uint8Array<ArrayBuffer>): Promise<number> {
    return (await readCiphertextFile(request, this.#form('inputs'))).images;
  }

  /** Wipe the secret key and free WebAssembly memory. */
  [Symbol.dispose](): void {
    this.#close();
    this.#secretKey?.[Symbol.dispose]();
    this.#secretKey = null;
  }

  async *#makeEvaluationKeys({
    onProgress,
    signal,
  }: KeyOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    signal?.throwIfAborted();
    const requests = keyRequests(this.plan.keys);
    const user = await this.#open();
    const make = (request: SwitchingKeyRequest, index: number): Uint8Array<ArrayBuffer> => {
      signal?.throwIfAborted();
      const key = user.makeSwitchingKey(request);
      onProgress?.({ done: index + 1, total: requests.length });
      return key;
    };
    const binding = { planHash: this.plan.planHash, parameters: this.#parameters };
    yield* writeEvaluationKeys(binding, requests, make);
  }

  /** Decrypted images of each output, in the order of the plan. */
  async #decryptImages(
    bytes: Uint8Array<ArrayBuffer>,
    expected: DecryptOptions,
  ): Promise<{ readonly output: ClientOutput; readonly images: Float64Array[] }[]> {
    const { images, executions } = await readCiphertextFile(bytes, this.#form('outputs'));
    requireImages(images, expected.images);
    const user = await this.#open();
    const { batch } = this.plan;
    return this.plan.outputs.map((output, t) => {
      const decrypted = executions.flatMap((execution, e) => {
        const vectors = (execution[t] ?? []).map((blob, index) =>
          user.decrypt(
            blob,
            { name: output.name, index, scale: output.scale, form: 'expanded' },
            output.level + 1,
          ),
        );
        requireUnusedZero(output, vectors, this.plan.precisionBits);
        return unpack(output.layout, vectors, Math.min(batch, images - e * batch));
      });
      requirePlausible(output, decrypted, this.plan.precisionBits);
      return { output, images: decrypted };
    });
  }

  #form(kind: 'inputs' | 'outputs'): CiphertextFileForm {
    const { planHash, batch } = this.plan;
    const { ringDegree } = this.#parameters;
    return ciphertextFileForm(kind, { planHash, batch, ringDegree }, this.plan[kind]);
  }

  #requireSecretKey(): SecretKey {
    if (this.#secretKey !== null) return this.#secretKey;
    throw new CipherloomError('SECRET_KEY_INVALID', 'this client has no secret key', {
      phase: 'client',
      hint: 'call generateKeys() or importSecretKey() first',
    });
  }

  #useSecretKey(key: SecretKey): void {
    this.#user?.[Symbol.dispose]();
    this.#user = null;
    this.#secretKey?.[Symbol.dispose]();
    this.#secretKey = key;
  }

  /** The contexts in WebAssembly; made again when a trap ended their instance. */
  async #openContexts(): Promise<SealContexts> {
    const instance = await loadSeal();
    if (this.#contexts?.instance !== instance) {
      this.#close();
      this.#contexts = new SealContexts(instance, this.#parameters);
    }
    return this.#contexts;
  }

  /** The secret key in WebAssembly, loaded from its bytes when need be. */
  async #open(): Promise<SecretKeyUser> {
    const key = this.#requireSecretKey();
    const contexts = await this.#openContexts();
    this.#user ??= new SecretKeyUser(contexts, key);
    return this.#user;
  }

  #close(): void {
    this.#user?.[Symbol.dispose]();
    this.#user = null;
    this.#contexts?.[Symbol.dispose]();
    this.#contexts = null;
  }
}

/** The input of the name, if these are slots of it. */
function requireSlots(
  { inputs, parameters }: ClientPlan,
  name: string,
  values: Float64Array,
): ClientInput {
  const input = inputs.find((one) => one.name === name);
  const refuse = (message: string, details: Readonly<Record<string, unknown>>, hint: string) =>
    new CipherloomError('INPUT_INVALID', `input ${JSON.stringify(name)}: ${message}`, {
      phase: 'client',
      node: name,
      details,
      hint,
    });
  if (input === undefined) {
    const names = inputs.map((one) => one.name);
    throw refuse('there is none of this name', { inputs: names }, `use ${names.join(', ')}`);
  }
  const expected = parameters.ringDegree / 2;
  if (values.length !== expected) {
    const got = values.length;
    const hint = 'give a value for each slot, zero for those that hold no element';
    throw refuse(`${got} slots, a ciphertext has ${expected}`, { got, expected }, hint);
  }
  const [low, high] = input.range;
  // Written so that NaN fails.
  const slot = values.findIndex((value) => !(value === 0 || (value >= low && value <= high)));
  if (slot === -1) return input;
  throw refuse(
    `value ${String(values[slot])} of slot ${slot} is outside the declared range [${low}, ${high}]`,
    { slot, value: String(values[slot]), range: [low, high] },
    'scale the input as the model was calibrated, or compile with a wider --input-range',
  );
}

/** A server must not talk a client into keys that can be broken. */
function refuseInsecure({ parameters }: ClientPlan, name: string): never {
  const bits = modulusBits([...parameters.primes, ...parameters.specialPrimes].map(BigInt));
  throw new CipherloomError(
    'PARAMETERS_INSECURE',
    `the server's plan of ${JSON.stringify(name)} is below 128 bits: log2 QP = ${bits.toFixed(0)} at ring degree ${parameters.ringDegree}`,
    {
      phase: 'client',
      node: name,
      details: { ringDegree: parameters.ringDegree, modulusBits: bits },
      hint: 'it would protect nothing; for tests, connect with insecure: true',
    },
  );
}

function requireImages(got: number, expected: number | undefined): void {
  if (expected === undefined || got === expected) return;
  throw new CipherloomError(
    'CIPHERTEXT_INVALID',
    `the result is of ${got} images, ${expected} were encrypted`,
    {
      phase: 'client',
      details: { got, expected },
      hint: 'decrypt the answer to this request',
    },
  );
}

/**
 * Refuse what wrapped modulo q on the last levels: a multiple of q, which is twice the plan's bound and
 * more, stands in every slot then, also in those that the plan leaves zero.
 */
function requireUnusedZero(
  { name, layout, bound }: ClientOutput,
  vectors: readonly Float64Array[],
  precisionBits: number,
): void {
  if (layout.unused.kind !== 'zero') return;
  // Half of the bound; more where the noise may be as much.
  const limit = Math.max(bound, 2 ** -20) * Math.max(1 / 2, 2 ** (2 - precisionBits));
  usedSlots(layout).forEach((used, index) => {
    const vector = vectors[index] ?? [];
    for (let slot = 0; slot < vector.length; slot++) {
      const value = Math.abs(vector[slot]!);
      if (used[slot] === 1 || value <= limit) continue;
      throw new CipherloomError(
        'CIPHERTEXT_INVALID',
        `output ${JSON.stringify(name)}: slot ${slot}, which holds no element, is not zero but more than ${limit.toPrecision(3)}; this is no result`,
        {
          phase: 'client',
          node: name,
          details: { ciphertext: index, slot, bound, limit },
          hint: 'the input left the calibrated ranges and values wrapped modulo Q: compile with calibration data like it; or decrypt with the secret key that encrypted it',
        },
      );
    }
  });
}

/**
 * Refuse values that no ciphertext of this plan and key decrypts to. Throws CIPHERTEXT_INVALID.
 *
 * Where every slot holds an element, none is left that must be zero: then the bound itself is the
 * limit. What wraps adds waves of at least four times the bound, or twice the bound to every slot:
 * all values end inside only where all that were right are beyond it, or some by three times.
 */
function requirePlausible(
  output: ClientOutput,
  images: readonly Float64Array[],
  precisionBits: number,
): void {
  const full = fillsCiphertext(output.layout);
  const factor = full ? 1 + 2 ** (2 - precisionBits) : garbageFactor;
  const limit = factor * Math.max(output.bound, 2 ** -20);
  for (const image of images) {
    for (const value of image) {
      if (Math.abs(value) <= limit) continue;
      throw new CipherloomError(
        'CIPHERTEXT_INVALID',
        `output ${JSON.stringify(output.name)}: a decrypted value is more than ${full ? '' : `${garbageFactor} times `}the plan's bound of ${output.bound}; this is no result${full ? ' that can be told from one that wrapped: every slot holds an element' : ''}`,
        {
          phase: 'client',
          node: output.name,
          details: { bound: output.bound, factor },
          hint: 'decrypt with the secret key that encrypted the input; if it is, the input left the calibrated range: compile with more calibration data',
        },
      );
    }
  }
}

/** Finish decrypted images and join them along the leading axis. */
function finish(output: ClientOutput, images: readonly Float64Array[]): Tensor {
  const finished = images.map((data) =>
    output.postprocess.reduce<Tensor>((tensor, step) => postprocess(tensor, step), {
      data,
      shape: output.shape,
    }),
  );
  const shape = finished[0]?.shape ?? output.shape;
  const size = finished[0]?.data.length ?? 0;
  const data = new Float64Array(size * finished.length);
  finished.forEach((tensor, i) => {
    data.set(tensor.data, i * size);
  });
  if (finished.length === 1) return { data, shape };
  return {
    data,
    shape:
      output.shape[0] === 1 && shape[0] === 1
        ? [finished.length, ...shape.slice(1)]
        : [finished.length, ...shape],
  };
}
