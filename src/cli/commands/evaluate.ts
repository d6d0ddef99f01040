import { defineCommand } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { namingFilesLater } from '../naming-files.ts';
import { filePath } from '../option-schemas.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { insecureOption, openSession } from '../plan-folder.ts';
import { maxCiphertextBytes } from '../protocol/limits.ts';
import { tensorsOf } from '../protocol/plan-inputs.ts';
import { watchResidentPeak } from '../protocol/resident-peak.ts';
import { readBoundedFile } from '../read-file.ts';
import {
  ciphertextBackendOption,
  evaluatorMemoryOption,
  outputOption,
  threadsOption,
} from '../shared-options.ts';
import { byteText, evaluatorText, timeText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';

export default defineCommand({
  name: 'evaluate',
  summary: 'Evaluate a plan on ciphertexts, as its server does: no secret is needed.',
  positional: { dir: { describe: 'folder that compile wrote (its model.loom is enough)' } },
  options: {
    evaluationKeys: {
      value: 'FILE',
      schema: filePath(),
      describe: 'evaluation.keys of the client that encrypted the input',
    },
    input: {
      value: 'X.ct',
      schema: filePath(),
      describe: 'ciphertexts that encrypt wrote',
    },
    publicInput: {
      value: '[NAME=]X.npy|X.npz',
      repeat: true,
      schema: filePath().array().default([]),
      describe: 'tensors that the plan takes in the clear: one image for all, or one for each',
    },
    output: { ...outputOption, value: 'Y.ct', describe: 'file for the encrypted results' },
    backend: ciphertextBackendOption,
    maxMemoryBytes: evaluatorMemoryOption,
    keyCache: {
      value: 'FOLDER',
      schema: filePath().optional(),
      describe: 'folder for expanded keys, which the next evaluations then share (native)',
    },
    threads: threadsOption,
    insecure: insecureOption,
  },
  examples: [
    {
      command:
        'cipherloom evaluate plan/ --evaluation-keys evaluation.keys --input x.ct --out y.ct',
      does: 'encrypted results, which only the client can decrypt',
    },
    {
      command: 'cipherloom evaluate plan/ --evaluation-keys e.keys --input x.ct --out y.ct --json',
      does: 'the same, with time and peak memory',
    },
  ],
  async run(
    {
      dir,
      evaluationKeys,
      input,
      publicInput,
      output,
      backend,
      threads,
      maxMemoryBytes,
      keyCache,
      insecure,
    },
    { progress },
  ) {
    const inputs = [input, evaluationKeys, ...publicInput];
    checkOutputFile(output, { inputs });
    const request = readBoundedFile(input, maxCiphertextBytes);
    progress.step('loading the plan');
    const loadAt = performance.now();
    await using session = await openSession(
      dir,
      { insecure },
      {
        backend,
        evaluationKeys,
        ...(threads === undefined ? {} : { threads }),
        ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
        ...(keyCache === undefined ? {} : { keyCacheFolder: keyCache }),
      },
    );
    const known = readInputTensors(
      publicInput,
      session.publicInputs.map((form) => ({ ...form, shared: true })),
      { flag: '--public-input' },
    );
    const evaluateAt = performance.now();
    progress.step('evaluating');
    using peak = watchResidentPeak();
    let executions = 0;
    const response = await namingFilesLater(
      {
        CIPHERTEXT_INVALID: input,
        CIPHERTEXT_TRUNCATED: input,
        PLAN_MISMATCH: input,
        KEYS_INVALID: evaluationKeys,
      },
      () =>
        session.run(request, {
          public: tensorsOf(session.publicInputs, known),
          onProgress: ({ done, total, execution, executions: all }) => {
            executions = all;
            peak.sample();
            progress.advance(execution * total + done, all * total);
          },
        }),
    );
    const endedAt = performance.now();
    writeOutputFile(output, response, { inputs });

    const json = {
      output,
      backend: session.backend,
      backendReason: session.backendReason,
      threads: session.threads,
      batch: session.batch,
      executions,
      inputCiphertextBytes: request.length,
      outputCiphertextBytes: response.length,
      peakMemoryBytes: peak.bytes,
      timingsMs: { load: evaluateAt - loadAt, evaluate: endedAt - evaluateAt },
      planHash: session.plan.hash,
    };
    const text = factLines([
      [output, byteText(response.length)],
      ['evaluator', evaluatorText(json)],
      ['executions', String(executions)],
      ['load', timeText(json.timingsMs.load)],
      ['evaluate', timeText(json.timingsMs.evaluate)],
      ['peak memory', byteText(json.peakMemoryBytes)],
    ]);
    return { json, text };
  },
});
