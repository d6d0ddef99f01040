import type { Report } from '../../backend/report/build-report.ts';
import { timeText } from './figures.ts';
import { textTable } from './table.ts';

type Choice = Report['choices'][number];
type Candidate = Choice['candidates'][number];

/** How values lie in slots, layer by layer: what was considered, at which cost, and why one won. */
export function packingPage(choices: Report['choices']): string {
  if (choices.length === 0) {
    return [
      'Packing',
      '  One feature a ciphertext, the images of the batch in its slots: nothing rotates.',
    ].join('\n');
  }
  return [
    [
      'Packing: how values lie in slots. The layouts chosen (>) make the whole network cheapest, by',
      'modelled time; that of an input is its upload and the first layer.',
    ].join('\n'),
    ...choices.map(choicePage),
  ].join('\n\n');
}

function choicePage(choice: Choice): string {
  const { node, chosen, candidates } = choice;
  const table = textTable(
    [
      [' ', 'layout', 'time', 'rotations', 'products', 'ciphertexts'],
      ...candidates.map(({ name, seconds, rotations, diagonals, ciphertexts }) => [
        name === chosen ? '>' : ' ',
        name,
        timeText(seconds * 1000),
        String(rotations),
        String(diagonals),
        String(ciphertexts),
      ]),
    ],
    ['left', 'left', 'right', 'right', 'right', 'right'],
  );
  return [node ?? 'a value', table, `  ${reasonOf(choice)}`].join('\n');
}

/** Why the choice won, by the figures of the table. */
export function reasonOf({ chosen, candidates }: Choice): string {
  const winner = candidates.find(({ name }) => name === chosen);
  const [cheapest, second] = candidates;
  if (winner === undefined || cheapest === undefined) return 'taken over from an earlier value.';
  if (second === undefined) return 'the only one considered.';
  if (winner !== cheapest) {
    const dearer = timeText((winner.seconds - cheapest.seconds) * 1000);
    return `${dearer} dearer here than "${cheapest.name}", and cheaper over the layers that follow.`;
  }
  return `cheapest here: ${comparison(winner, second)}.`;
}

function comparison(winner: Candidate, second: Candidate): string {
  const saved = timeText((second.seconds - winner.seconds) * 1000);
  const parts = (
    [
      ['rotations', winner.rotations, second.rotations],
      ['products', winner.diagonals, second.diagonals],
      ['ciphertexts', winner.ciphertexts, second.ciphertexts],
    ] as const
  )
    .filter(([, own, other]) => own !== other)
    .map(([what, own, other]) => `${own} ${what} against ${other}`);
  return [`${saved} less than "${second.name}"`, ...parts].join(', ');
}
