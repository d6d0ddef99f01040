import { defineCommand } from '../define-command.ts';
import { importKeyFolder, keysOption } from '../key-folder.ts';
import { namingFilesLater } from '../naming-files.ts';
import { filePath } from '../option-schemas.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { answerRows } from '../protocol/answer-rows.ts';
import { topClasses } from '../protocol/compare.ts';
import { maxCiphertextBytes } from '../protocol/limits.ts';
import { checkResultFile, writeResultFile } from '../protocol/result-file.ts';
import { readBoundedFile } from '../read-file.ts';
import { outputOption } from '../shared-options.ts';
import { answerTable } from '../text/answers.ts';
import { timeText } from '../text/figures.ts';

export default defineCommand({
  name: 'decrypt',
  summary: 'Decrypt the results of a plan, as its client does.',
  positional: { dir: { describe: 'folder that compile wrote (its client.json is enough)' } },
  options: {
    keys: keysOption,
    input: {
      value: 'Y.ct',
      schema: filePath(),
      describe: 'encrypted results that evaluate wrote',
    },
    output: {
      ...outputOption,
      value: 'Y.npy|Y.npz',
      schema: outputOption.schema.optional(),
      describe: 'write the results, float64 [K, …]; .npz for several outputs',
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom decrypt plan/ --keys keys/ --input y.ct --output y.npy',
      does: 'the results; share them with nobody but the owner of the key',
    },
    {
      command: 'cipherloom decrypt plan/ --keys keys/ --input y.ct --json',
      does: 'the values of every output as JSON',
    },
  ],
  async run({ dir, keys, input, output, insecure }, { progress }) {
    using client = openClient(dir, { insecure });
    const { plan } = client;
    if (output !== undefined) checkResultFile(output, plan, [input]);
    const response = readBoundedFile(input, maxCiphertextBytes);
    await importKeyFolder(client, keys);
    progress.step('decrypting');
    const startedAt = performance.now();
    const tensors = await namingFilesLater(
      { CIPHERTEXT_INVALID: input, CIPHERTEXT_TRUNCATED: input, PLAN_MISMATCH: input },
      () => client.decrypt(response),
    );
    const decryptMs = performance.now() - startedAt;

    const results = answerRows(plan, tensors);
    if (output !== undefined) writeResultFile(output, plan, results, [input]);
    const images = results.get(plan.outputs[0]!.name)?.length ?? 0;
    const json = {
      images,
      outputs: Object.fromEntries(
        [...results].map(([name, rows]) => [name, rows.map((row) => [...row])]),
      ),
      outputCiphertextBytes: response.length,
      output: output ?? null,
      timingsMs: { decrypt: decryptMs },
      planHash: plan.planHash,
    };
    const classes = topClasses(plan.outputs, results);
    const text = `${answerTable(plan, results, classes)}\n\ntime  ${timeText(decryptMs)}`;
    return { json, text };
  },
});
