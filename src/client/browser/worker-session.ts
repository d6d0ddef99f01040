/** What the worker does: it alone holds the secret key, and it alone talks to the server. */
import { CipherloomError } from '../../errors.ts';
import { Client } from '../client.ts';
import type { RemoteModel } from '../remote/remote-model.ts';
import { sharingCounterInMemory, type SharingCounter } from '../sharing.ts';
import { removeRecord } from './database.ts';
import { findSpooledKeys, removeSpooledKeys, spoolKeys } from './key-spool.ts';
import {
  loadSecretKey,
  nameEvaluationKeys,
  storedSharingCounter,
  storeSecretKey,
} from './key-vault.ts';
import type { Calls, KeysProgress, PreparedKeys } from './messages.ts';

type Report<Progress> = (progress: Progress) => void;

export class WorkerSession {
  #model: RemoteModel | null = null;
  #counter: SharingCounter = sharingCounterInMemory();

  async connect(
    { url, ...options }: Calls['connect']['request'],
    _report: Report<never>,
    signal: AbortSignal,
  ): Promise<Calls['connect']['result']> {
    const model = await Client.connect(url, { ...options, signal });
    this.#model?.client[Symbol.dispose]();
    this.#model = model;
    const { client, name } = model;
    return {
      plan: client.plan,
      name,
      evaluationKeyBytes: client.evaluationKeyBytes,
      requestBytes: client.inputCiphertextBytes(),
      responseBytes: client.outputCiphertextBytes(),
      insecure: client.insecure,
    };
  }

  /**
   * Make, or find, the keys of this plan, and see that the server has the evaluation keys.
   *
   * Pages of one origin take turns, so that they do not make keys beside each other.
   */
  async prepareKeys(
    { keep }: Calls['prepareKeys']['request'],
    report: Report<KeysProgress>,
    signal: AbortSignal,
  ): Promise<PreparedKeys> {
    const { planHash } = this.#connected().client.plan;
    return navigator.locks.request(`cipherloom keys ${planHash}`, { signal }, () =>
      this.#prepareKeys(keep, report, signal),
    );
  }

  async infer(
    { inputs }: Calls['infer']['request'],
    report: Report<Calls['infer']['progress']>,
    signal: AbortSignal,
  ): Promise<Calls['infer']['result']> {
    const ciphertexts: Partial<Record<'request' | 'response', Uint8Array<ArrayBuffer>>> = {};
    const starts = new Map<string, number>();
    const outputs = await this.#connected().infer(inputs, {
      signal,
      onStage: (stage) => {
        starts.set(stage, performance.now());
        report(stage);
      },
      onCiphertext: (what, bytes) => {
        // A copy: the answer is a part of a larger buffer, which would go to the page with it.
        ciphertexts[what] = what === 'response' ? bytes.slice() : bytes;
      },
    });
    const end = performance.now();
    const [encrypt = end, evaluate = end, decrypt = end] = [...starts.values()];
    return {
      outputs,
      request: ciphertexts.request ?? new Uint8Array(),
      response: ciphertexts.response ?? new Uint8Array(),
      seconds: {
        encrypt: (evaluate - encrypt) / 1000,
        evaluate: (decrypt - evaluate) / 1000,
        decrypt: (end - decrypt) / 1000,
      },
    };
  }

  async decryptForSharing(
    request: Calls['decryptForSharing']['request'],
  ): Promise<Calls['decryptForSharing']['result']> {
    const { response, bits, ...options } = request;
    const { client } = this.#connected();
    return client.decryptForSharing(response, bits, { ...options, counter: this.#counter });
  }

  /** Remove the keys of this plan from the browser and from the server. */
  async forgetKeys(
    _request: object,
    _report: Report<never>,
    signal: AbortSignal,
  ): Promise<undefined> {
    const model = this.#connected();
    const { planHash } = model.client.plan;
    await removeRecord(planHash);
    await removeSpooledKeys(planHash);
    // Wipes the key in memory; the client goes on with the next one.
    model.client[Symbol.dispose]();
    await model.removeKeys(signal);
  }

  async #prepareKeys(
    keep: boolean,
    report: Report<KeysProgress>,
    signal: AbortSignal,
  ): Promise<PreparedKeys> {
    const model = this.#connected();
    const { client } = model;
    const { planHash } = client.plan;
    const startedAt = performance.now();
    const kept = await loadSecretKey(planHash);
    if (kept === null) {
      const { secretKey } = await client.generateKeys({ signal });
      if (keep) await storeSecretKey(planHash, secretKey);
      secretKey.fill(0);
    } else {
      await client.importSecretKey(kept.secretKey);
      kept.secretKey.fill(0);
    }
    const resting = kept !== null || keep;
    this.#counter = resting ? storedSharingCounter(planHash) : sharingCounterInMemory();

    const sha256 = kept?.evaluationKeys ?? null;
    const seconds = (): number => (performance.now() - startedAt) / 1000;
    const secretKey = kept === null ? 'made' : 'kept';
    if (sha256 !== null && (await model.useKeysOnServer(sha256, signal))) {
      const resumedFrom = client.evaluationKeyBytes;
      return { secretKey, resumedFrom, sentBytes: 0, makeSeconds: seconds(), uploadSeconds: 0 };
    }
    using keys =
      (sha256 === null
        ? null
        : await findSpooledKeys(planHash, sha256, client.evaluationKeyBytes)) ??
      (await this.#makeKeys(resting, report, signal));
    const makeSeconds = seconds();
    const { resumedFrom, sentBytes } = await model.uploadKeys(keys, {
      signal,
      onProgress: ({ sentBytes: done, totalBytes: total }) => {
        report({ stage: 'upload', done, total });
      },
    });
    keys[Symbol.dispose]();
    await removeSpooledKeys(planHash);
    const uploadSeconds = seconds() - makeSeconds;
    return { secretKey, resumedFrom, sentBytes, makeSeconds, uploadSeconds };
  }

  async #makeKeys(resting: boolean, report: Report<KeysProgress>, signal: AbortSignal) {
    const { client } = this.#connected();
    const { planHash } = client.plan;
    const stream = client.evaluationKeys({
      signal,
      onProgress: ({ done, total }) => {
        report({ stage: 'make', done, total });
      },
    });
    const keys = await spoolKeys(planHash, stream);
    if (resting) await nameEvaluationKeys(planHash, keys.sha256);
    return keys;
  }

  #connected(): RemoteModel {
    if (this.#model !== null) return this.#model;
    throw new CipherloomError('USAGE', 'the worker is not connected to a server', {
      phase: 'client',
      hint: 'await BrowserClient.connect(url) first',
    });
  }
}
