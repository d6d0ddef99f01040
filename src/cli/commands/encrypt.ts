import { defineCommand } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { importKeyFolder, keysOption } from '../key-folder.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { tensorsOf } from '../protocol/plan-inputs.ts';
import { inputOption, limitOption, outputOption } from '../shared-options.ts';
import { byteText, timeText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';

export default defineCommand({
  name: 'encrypt',
  summary: 'Encrypt inputs for a plan, as its client does.',
  positional: { dir: { describe: 'folder that compile wrote (its client.json is enough)' } },
  options: {
    keys: keysOption,
    input: inputOption,
    limit: limitOption,
    output: { ...outputOption, value: 'X.ct', describe: 'file for the ciphertexts' },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom encrypt plan/ --keys keys/ --input images.npy --out images.ct',
      does: 'ciphertexts that only keys/secret.key opens',
    },
    {
      command: 'cipherloom encrypt plan/ --keys keys/ --input images.npy --limit 1 -o one.ct',
      does: 'the first image alone',
    },
  ],
  async run({ dir, keys, input, limit, output, insecure }, { progress }) {
    using client = openClient(dir, { insecure });
    checkOutputFile(output, { inputs: input });
    const inputs = readInputTensors(input, client.plan.inputs, { limit });
    await importKeyFolder(client, keys);
    progress.step('encrypting');
    const startedAt = performance.now();
    const ciphertexts = await client.encrypt(tensorsOf(client.plan.inputs, inputs));
    const encryptMs = performance.now() - startedAt;
    writeOutputFile(output, ciphertexts, { inputs: input });

    const { batch, planHash } = client.plan;
    const executions = Math.ceil(inputs.images / batch);
    const json = {
      output,
      images: inputs.images,
      batch,
      executions,
      inputCiphertextBytes: ciphertexts.length,
      timingsMs: { encrypt: encryptMs },
      planHash,
    };
    const text = factLines([
      [output, byteText(ciphertexts.length)],
      ['images', `${inputs.images}, in ${executions} executions of ${batch}`],
      ['time', timeText(encryptMs)],
    ]);
    return { json, text };
  },
});
