/** docs/inspect.md: three pages of `cipherloom inspect`, as it prints them today. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { transformerModel } from '../../test/docs/transformer-model.ts';
import type { Page } from './page.ts';

const root = path.join(import.meta.dirname, '../..');

interface Transcript {
  readonly title: string;
  readonly text: string;
  /** Folder of the model; null for the one made here. */
  readonly folder: string | null;
  readonly words: readonly string[];
}

const transcripts: readonly Transcript[] = [
  {
    title: 'A model that works',
    text: 'The network of the README, with images like those to come: the figures are those that `compile` reports for the same options.',
    folder: 'examples/mnist',
    words: ['lola.onnx', '--calibration', 'calibration.npy'],
  },
  {
    title: 'A model that works with a flag',
    text: 'Activations are fitted to data. Until there is some, synthetic inputs stand in for it; the first line says what `compile` will ask for.',
    folder: 'examples/mnist',
    words: ['relu.onnx'],
  },
  {
    title: 'A model that does not work',
    text: 'Two layers of a transformer. Every operator that stands in the way is listed with a way out; `--json` has every node of it. The exit status is 4.',
    folder: null,
    words: ['transformer.onnx'],
  },
];

export function inspectPage(): Page {
  const made = mkdtempSync(path.join(tmpdir(), 'cipherloom-inspect-'));
  try {
    writeFileSync(path.join(made, 'transformer.onnx'), transformerModel());
    const sections = transcripts.map(({ title, text, folder, words }) => {
      const cwd = folder === null ? made : path.join(root, folder);
      const { stdout } = spawnSync(
        process.execPath,
        [path.join(root, 'src/cli/main.ts'), 'inspect', ...words],
        { cwd, encoding: 'utf8', env: { PATH: process.env.PATH } },
      );
      const command = `$ cipherloom inspect ${words.join(' ')}`;
      return `## ${title}\n\n${text}\n\n<!-- not run: \`npm run docs\` runs it and writes what it prints -->\n\n\`\`\`text\n${command}\n${stdout.trimEnd()}\n\`\`\``;
    });
    return { path: 'docs/inspect.md', text: [introduction, ...sections].join('\n\n') };
  } finally {
    rmSync(made, { recursive: true });
  }
}

const introduction = `# inspect

\`cipherloom inspect MODEL\` is the first command to run on a model. Its first line says whether the model works as it is, works with flags, may work, or
does not work. What follows is the cost of a plan, what to change, operator by operator, and the next command to type.

It compiles the model as \`compile\` does, without writing anything, and takes the same options. Where a flag is missing, it goes on as if it had been given. A
model of more than 2^24 products of a weight and a value is not estimated, nor one that asks for far more work than its size lets expect: the steps
are counted, so the answer is the same on every machine, and \`compile\` has no such limit. Up to about 2^26 products levels are counted.

| verdict in \`--json\`  | meaning                                                                      | exit status |
| --- | --- | --- |
| \`works\`            | \`compile\` with the same options succeeds                                     | 0           |
| \`works-with-flags\` | it succeeds with the flags under \`needs\`                                     | 0           |
| \`may-work\`         | real inputs decide, or the model is too large for an estimate                | 0           |
| \`does-not-work\`    | an operator, the levels, the precision or a budget is in the way             | 4, 6 or 7   |

The time is modelled: a committed profile of SEAL in WebAssembly on one core of a server. \`cipherloom bench PLAN\` measures it here.

An output with an element in every slot of a ciphertext has none that must be zero, so that inputs beyond the calibrated ranges show only where a value is beyond its bound: \`inspect\` says so, and \`fullOutputs\` in \`--json\` names such outputs.
`;
