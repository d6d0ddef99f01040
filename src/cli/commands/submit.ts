import type { RemoteModel } from '../../client/index.ts';
import { defineCommand } from '../define-command.ts';
import { sliceImages, type InputTensors } from '../input-tensors.ts';
import { importKeyFolder, keysOption } from '../key-folder.ts';
import { filePath, integer } from '../option-schemas.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { answerRows } from '../protocol/answer-rows.ts';
import { topClasses, type Results } from '../protocol/compare.ts';
import { checkInputs, planInputs, tensorsOf } from '../protocol/plan-inputs.ts';
import { checkResultFile, writeResultFile } from '../protocol/result-file.ts';
import { readBoundedFile } from '../read-file.ts';
import { inputOption, limitOption, outputOption } from '../shared-options.ts';
import { readSubmission } from '../submission/image-inputs.ts';
import { digestInputs, openJournal } from '../submission/journal.ts';
import { ensureKeys } from '../submission/key-file.ts';
import { answerTable } from '../text/answers.ts';
import { byteText, timeText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';

const maxTokenBytes = 4096;
/** A server that is restarted, or full for a while, is waited for: some ten minutes. */
const retry = { attempts: 30, longestDelayMs: 30_000 };

export default defineCommand({
  name: 'submit',
  summary: 'Send many inputs, encrypted, to a server, and write the decrypted results.',
  positional: { dir: { describe: 'folder that compile wrote (its client.json is enough)' } },
  options: {
    server: {
      value: 'URL',
      schema: filePath(),
      describe: 'server, or model on it: https://HOST or https://HOST/v2/models/NAME',
    },
    keys: keysOption,
    input: { ...inputOption, describe: 'as for run; or a folder of PNG and JPEG images' },
    limit: limitOption,
    output: { ...outputOption, value: 'Y.npy|Y.npz', describe: 'results, float64 [K, …]' },
    images: {
      value: 'N',
      schema: integer(1).optional(),
      describe: 'images of one request; default: as many as one execution holds',
    },
    concurrent: {
      value: 'N',
      schema: integer(1, 256).default(4),
      describe: 'requests on their way at once (4)',
    },
    tokenFile: {
      value: 'FILE',
      schema: filePath().optional(),
      describe: 'file with the token of the server; else CIPHERLOOM_TOKEN of the environment',
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command:
        'cipherloom submit plan/ --server http://127.0.0.1:8080 --keys keys/ --input photos/ -o y.npy',
      does: 'all images of a folder; run again, it goes on where it was interrupted',
    },
    {
      command:
        'cipherloom submit plan/ --server https://host --token-file t --keys keys/ --input x.npy -o y.npy',
      does: 'the images of an array, to a server that asks for a token',
    },
  ],
  async run(args, { progress }) {
    const { dir, keys, input, limit, output, insecure, concurrent } = args;
    using client = openClient(dir, { insecure });
    const { plan } = client;
    checkResultFile(output, plan, input);
    const all = await readSubmission(input, plan, { limit, progress });
    checkInputs(plan, all);
    await importKeyFolder(client, keys);
    const token = tokenOf(args.tokenFile);
    const model = await client.connect(args.server, {
      retry,
      ...(token === undefined ? {} : { token }),
    });
    const sentKeyBytes = await ensureKeys(model, keys, progress);

    const imagesPerRequest = args.images ?? plan.batch;
    const facts = { planHash: plan.planHash, inputs: digestInputs(all), imagesPerRequest };
    const journal = openJournal(output, facts);
    const requests = Math.ceil(all.images / imagesPerRequest);
    progress.step(`${requests} requests`);
    const startedAt = performance.now();
    let done = journal.found;
    progress.advance(done, requests);
    const answerOf = async (request: number): Promise<void> => {
      if (journal.read(request) !== null) return;
      const start = request * imagesPerRequest;
      const some = sliceImages(all, start, Math.min(imagesPerRequest, all.images - start));
      journal.write(request, await ask(model, some));
      done += 1;
      progress.advance(done, requests);
    };
    await eachOf(requests, concurrent, answerOf);
    const seconds = (performance.now() - startedAt) / 1000;

    const results = joined(
      plan.outputs.map(({ name }) => name),
      Array.from({ length: requests }, (_, request) => journal.read(request) ?? new Map()),
    );
    writeResultFile(output, plan, results, input);
    const { found } = journal;
    journal.remove();
    const json = {
      output,
      images: all.images,
      requests,
      resumedRequests: found,
      sentKeyBytes,
      timingsMs: { requests: seconds * 1000 },
      imagesPerSecond: found === 0 ? all.images / seconds : null,
      planHash: plan.planHash,
    };
    const lines = factLines([
      [output, `${all.images} images in ${requests} requests`],
      ...(found === 0 ? [] : [['before', `${found} requests were answered`] as const]),
      ['keys sent', byteText(sentKeyBytes)],
      ['time', timeText(seconds * 1000)],
    ]);
    const text = `${answerTable(plan, results, topClasses(plan.outputs, results))}\n\n${lines}`;
    return { json, text };
  },
});

async function ask(model: RemoteModel, images: InputTensors): Promise<Results> {
  const { plan } = model.client;
  return answerRows(plan, await model.infer(tensorsOf(planInputs(plan), images)));
}

/** Do something for 0 … count − 1, so many at once; the first failure ends it. */
async function eachOf(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  const indices = Array.from({ length: count }, (_, index) => index).values();
  const worker = async (): Promise<void> => {
    for (const index of indices) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}

function joined(outputs: readonly string[], parts: readonly Results[]): Results {
  return new Map(outputs.map((name) => [name, parts.flatMap((part) => part.get(name) ?? [])]));
}

function tokenOf(file: string | undefined): string | undefined {
  if (file === undefined) return process.env.CIPHERLOOM_TOKEN;
  return new TextDecoder().decode(readBoundedFile(file, maxTokenBytes)).trim();
}
