import { join } from 'node:path';
import { writeSecretKeyFile } from '../../client/node/secret-key-file.ts';
import { defineCommand } from '../define-command.ts';
import { evaluationKeysName, makeKeyFolder, secretKeyName } from '../key-folder.ts';
import { flag } from '../option-schemas.ts';
import { writeOutputStream } from '../output-file.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { outputOption } from '../shared-options.ts';
import { byteText, timeText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';

export default defineCommand({
  name: 'keygen',
  summary: 'Make the secret key and the evaluation keys for a plan.',
  positional: { dir: { describe: 'folder that compile wrote (its client.json is enough)' } },
  options: {
    output: {
      ...outputOption,
      value: 'KEYS/',
      describe: 'folder for secret.key (mode 0600) and evaluation.keys',
    },
    force: { schema: flag(), describe: 'replace the keys that are there' },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom keygen plan/ --out keys/',
      does: 'keys/secret.key, which nobody else may see, and keys/evaluation.keys for the server',
    },
    { command: 'cipherloom keygen plan/ --out keys/ --json', does: 'the same; sizes and time' },
  ],
  async run({ dir, output, force, insecure }, { progress }) {
    using client = openClient(dir, { insecure });
    makeKeyFolder(output, { force });
    const secretKeyFile = join(output, secretKeyName);
    const evaluationKeysFile = join(output, evaluationKeysName);

    progress.step('making keys');
    const startedAt = performance.now();
    const keys = await client.generateKeys({
      onProgress: ({ done, total }) => {
        progress.advance(done, total);
      },
    });
    // The secret key last: it is the one that is not replaced by a second try.
    await writeOutputStream(evaluationKeysFile, keys.evaluationKeys);
    await writeSecretKeyFile(secretKeyFile, keys.secretKey, { replace: force });
    const keygenMs = performance.now() - startedAt;

    const { keyBytes, residentKeyBytes, rotationKeys } = planFigures(client);
    const secretKeyBytes = keys.secretKey.length;
    const json = {
      secretKeyFile,
      evaluationKeysFile,
      secretKeyBytes,
      keyBytes,
      residentKeyBytes,
      rotationKeys,
      timingsMs: { keygen: keygenMs },
      planHash: client.plan.planHash,
    };
    const text = factLines([
      [secretKeyFile, `${byteText(secretKeyBytes)}, for the client alone`],
      [
        evaluationKeysFile,
        `${byteText(keyBytes)}, for the server (${byteText(residentKeyBytes)} in its memory)`,
      ],
      ['time', timeText(keygenMs)],
    ]);
    return { json, text };
  },
});
