/** `docs/models.md`: what becomes of the ONNX files of other projects. */
import type { ModelOutcome } from './run-model.ts';

/** Relative error to ONNX Runtime that exact networks keep in the clear: float32 arithmetic. */
export const exactTolerance = 1e-4;

const headings = [
  'file',
  'kind',
  'outcome',
  'levels',
  'ring degree',
  'rotation keys',
  'agreement with ONNX Runtime',
  'compiled in',
];

/** The cells of a row that are the same on every machine: all but the time. */
export function stableCells(outcome: ModelOutcome): string[] {
  const { file, kind, compiled, refused } = outcome;
  if (compiled === null) {
    return [code(file), kind, `refused: ${escaped(refused?.reason ?? '')}`, '', '', '', ''];
  }
  const { levels, ringDegree, rotationKeys, statedError } = compiled;
  return [
    code(file),
    kind,
    kind === 'MaxPool' ? 'compiles with `--max-pool average`' : 'compiles',
    String(levels),
    String(ringDegree),
    String(rotationKeys),
    statedError === null ? 'to 10⁻⁴' : `within ${statedError.toPrecision(2)}, as the report states`,
  ];
}

const code = (text: string): string => `\`${text}\``;

/** A cell keeps its line and its columns. */
function escaped(text: string): string {
  return text.replace(/[|\n\\]/g, (character) => (character === '\n' ? ' ' : `\\${character}`));
}

/** Rounded, because machines differ: for orientation only. */
function timeText(seconds: number): string {
  if (seconds < 1) return '< 1 s';
  return seconds < 10 ? `${Math.round(seconds)} s` : `${10 * Math.round(seconds / 10)} s`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** The cells of the rows of a page, the last one (time) left out, by file. */
export function readPage(text: string): Map<string, string[]> {
  return new Map(
    text.split('\n').flatMap((line) => {
      // A bar behind a backslash belongs to its cell.
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      const [, file = ''] = cells;
      return cells.length === headings.length + 2 && file.startsWith('`')
        ? [[file.slice(1, -1), cells.slice(1, -2)] as const]
        : [];
    }),
  );
}

/** The page in Markdown. */
export function modelsPage(outcomes: readonly ModelOutcome[]): string {
  const compiled = outcomes.filter((outcome) => outcome.compiled !== null).length;
  return [
    '# Models of other projects',
    '',
    '`npm run models` writes this page; a test keeps all of it true but the times: processor time on one machine, rounded.',
    '',
    `${compiled} of ${outcomes.length} files compile. Each is compiled with the range of its inputs, and, where activations or MaxPool are approximated, with 128 random inputs as calibration data.`,
    'Its plan then runs in the clear on three other random inputs, and the outputs are compared with ONNX Runtime:',
    '',
    '- **HE-friendly** networks have linear layers and polynomials only. They agree to 10⁻⁴ of the largest output.',
    '- **activations** are replaced by polynomials. The outputs differ by no more than `approximationError` in `report.json` says. Random inputs are wider than real ones: with real calibration data the error is smaller.',
    '- **MaxPool** is averaged, as `--max-pool average` asks, and compared with the same network with AveragePool in its place.',
    '',
    row(headings),
    row(headings.map(() => '---')),
    ...outcomes.map((outcome) => row([...stableCells(outcome), timeText(outcome.compileSeconds)])),
    ...outcomes.flatMap(levelsSection),
    '',
  ].join('\n');
}

/** Where the levels of a network that is too deep go. */
function levelsSection({ file, refused }: ModelOutcome): string[] {
  if (refused === null || refused.layers.length === 0) return [];
  return [
    '',
    `## Levels of ${code(file)}`,
    '',
    `${escaped(refused.reason)}. Layer by layer:`,
    '',
    '| layer | levels | needed behind it |',
    '| --- | --- | --- |',
    ...refused.layers.map(({ node, op, levels, levelsBehind }) =>
      row([escaped(node ?? op), String(levels), String(levelsBehind)]),
    ),
  ];
}
