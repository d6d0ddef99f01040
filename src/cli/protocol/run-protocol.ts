import { join } from 'node:path';
import type { Client } from '../../client/index.ts';
import type { Backend, SessionOptions } from '../../server/index.ts';
import { sliceImages, type InputTensors } from '../input-tensors.ts';
import type { Progress } from '../define-command.ts';
import { writeOutputStream } from '../output-file.ts';
import { openSession } from '../plan-folder.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { answerRows } from './answer-rows.ts';
import { runPlanInClear } from './clear-results.ts';
import type { Results } from './compare.ts';
import { publicTensors, tensorsOf } from './plan-inputs.ts';
import { watchResidentPeak } from './resident-peak.ts';
import { createStepProfile, type ProfiledNode } from './step-profile.ts';

export interface TimingsMs {
  /** Null where no keys were made. */
  readonly keygen: number | null;
  /** One entry an execution; none in the clear. */
  readonly encrypt: readonly number[];
  readonly evaluate: readonly number[];
  readonly decrypt: readonly number[];
}

export interface ProtocolRun {
  /** What evaluated, and why it, in a clause. */
  readonly backend: Backend;
  readonly backendReason: string;
  /** Threads that shared the work of an evaluation. */
  readonly threads: number;
  readonly results: Results;
  /** The same plan on the same inputs in the clear. */
  readonly clear: Results;
  readonly timingsMs: TimingsMs;
  /** Resident peak of the process while it evaluated. */
  readonly peakMemoryBytes: number;
  /** Where the evaluation spent its time; empty in the clear. */
  readonly profile: readonly ProfiledNode[];
  /** Bytes of the first request, for those who want to see what a server sees. */
  readonly firstRequest: Uint8Array | null;
}

export interface ProtocolOptions {
  readonly folder: string;
  readonly client: Client;
  readonly insecure: boolean;
  readonly backend: NonNullable<SessionOptions['backend']>;
  /** Of native; as many as the machine runs at once if left out. */
  readonly threads: number | undefined;
  /** Of native. */
  readonly maxMemoryBytes?: number | undefined;
  readonly inputs: InputTensors;
  readonly progress: Progress;
}

/**
 * The whole protocol in one process: keys, encryption, evaluation, decryption, and the plan in the
 * clear beside it.
 *
 * The evaluation keys go through a file, as they do between a client and its server, so that the
 * memory measured is the evaluator's.
 */
export async function runProtocol(options: ProtocolOptions): Promise<ProtocolRun> {
  return options.backend === 'clear' ? runClearBackend(options) : runEncrypted(options);
}

async function runClearBackend(options: ProtocolOptions): Promise<ProtocolRun> {
  const { folder, client, insecure, inputs, progress } = options;
  await using session = await openSession(folder, { insecure, client }, { backend: 'clear' });
  progress.step('evaluating in the clear');
  using peak = watchResidentPeak();
  const { results, evaluateMs } = await runPlanInClear(
    session,
    client.plan,
    inputs,
    (done, total) => {
      progress.advance(done, total);
    },
  );
  return {
    backend: session.backend,
    backendReason: session.backendReason,
    threads: session.threads,
    results,
    clear: results,
    timingsMs: { keygen: null, encrypt: [], evaluate: evaluateMs, decrypt: [] },
    peakMemoryBytes: peak.bytes,
    profile: [],
    firstRequest: null,
  };
}

async function runEncrypted(options: ProtocolOptions): Promise<ProtocolRun> {
  const { folder, client, insecure, backend, threads, maxMemoryBytes, inputs, progress } = options;
  const { plan } = client;
  using keys = temporaryFolder();
  const evaluationKeys = join(keys.path, 'evaluation.keys');

  progress.step('making keys');
  const keygenAt = performance.now();
  const generated = await client.generateKeys({
    onProgress: ({ done, total }) => {
      progress.advance(done, total);
    },
  });
  await writeOutputStream(evaluationKeys, generated.evaluationKeys, { mode: 0o600 });
  const keygen = performance.now() - keygenAt;

  progress.step('loading the plan');
  await using session = await openSession(
    folder,
    { insecure, client },
    {
      backend,
      evaluationKeys,
      ...(threads === undefined ? {} : { threads }),
      ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
    },
  );
  const results = new Map<string, Float64Array[]>(plan.outputs.map(({ name }) => [name, []]));
  const encrypt: number[] = [];
  const evaluate: number[] = [];
  const decrypt: number[] = [];
  const profile = createStepProfile();
  let peakMemoryBytes = 0;
  let firstRequest: Uint8Array | null = null;
  const executions = Math.ceil(inputs.images / plan.batch);
  for (let execution = 0; execution < executions; execution++) {
    const held = sliceImages(inputs, execution * plan.batch, plan.batch);
    const encryptAt = performance.now();
    const request = await client.encrypt(tensorsOf(plan.inputs, held));
    firstRequest ??= request;
    const evaluateAt = performance.now();
    encrypt.push(evaluateAt - encryptAt);

    progress.step(executions === 1 ? 'evaluating' : `evaluating ${execution + 1}/${executions}`);
    using peak = watchResidentPeak();
    profile.start();
    const response = await session.run(request, {
      public: publicTensors(plan, held),
      onProgress: ({ done, total, node }) => {
        profile.reached(node);
        peak.sample();
        progress.advance(done, total);
      },
    });
    peakMemoryBytes = Math.max(peakMemoryBytes, peak.bytes);
    const decryptAt = performance.now();
    evaluate.push(decryptAt - evaluateAt);

    const answers = await client.decrypt(response);
    decrypt.push(performance.now() - decryptAt);
    for (const [name, rows] of answerRows(plan, answers)) results.get(name)?.push(...rows);
  }

  progress.step('evaluating in the clear, to compare');
  const { results: clear } = await runPlanInClear(session, plan, inputs, (done, total) => {
    progress.advance(done, total);
  });
  return {
    backend: session.backend,
    backendReason: session.backendReason,
    threads: session.threads,
    results,
    clear,
    timingsMs: { keygen, encrypt, evaluate, decrypt },
    peakMemoryBytes,
    profile: profile.nodes(),
    firstRequest,
  };
}
