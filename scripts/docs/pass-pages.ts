/** The page of docs/passes, from the declarations of the passes. */
import { passes } from '../../src/passes/index.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';

const generated = '<!-- Written by `npm run docs` from src/passes; do not edit. -->';

const phases = [
  ['nn', 'Tensors in the clear', 'These run once.'],
  [
    'packed',
    'Vectors of slots',
    'These and the ckks passes run for one ring degree after another, smallest first, until precision, ranges and security hold.',
  ],
  ['ckks', 'Ciphertexts with level and scale', ''],
] as const;

export function passPages(): Page[] {
  const sections = phases.flatMap(([phase, title, remark]) => [
    `## ${phase}: ${title.charAt(0).toLowerCase()}${title.slice(1)}`,
    ...(remark === '' ? [] : [remark]),
    table(
      ['pass', 'does'],
      passes
        .filter((pass) => pass.phase === phase)
        .map(({ name, summary }) => [`[${name}](../../src/passes/${name}.ts)`, summary]),
    ),
  ]);
  const text = [
    '# Passes',
    generated,
    'In the order in which they run. Each is one file that declares a pure, deterministic function from program to program; `compile --print-ir-after PASS` prints the program after one, `opt FILE.ir --passes A,B` runs some on IR text.',
    ...sections,
    'Adding one is one file in `src/passes` with `definePass`, one line in its `index.ts` at the place where it runs, and a test that compares a program before and after it.',
  ];
  return [{ path: 'docs/passes/README.md', text: text.join('\n\n') }];
}
