import type { Report } from '../../backend/report/build-report.ts';
import { timeText } from './figures.ts';
import { textTable } from './table.ts';

type JointChoice = NonNullable<Report['jointChoice']>;

/** The degrees of all activations: what was considered, what it costs and loses. */
export function degreesPage(choice: JointChoice): string {
  const { budget, nodes, chosen, uniform, candidates, images, fittedImages, measured } = choice;
  const unit = budget.kind === 'points' ? 'points of top-1 agreement' : 'nats of divergence';
  const rows = candidates.map((own) => [
    own.degrees.join() === chosen.degrees.join() ? '>' : ' ',
    own.degrees.join(', '),
    `${own.compiled ? '' : '~'}${timeText(own.seconds * 1000)}`,
    String(own.levels),
    own.ringDegree === null ? '–' : String(own.ringDegree),
    lossText(own.loss),
  ]);
  return [
    `Degrees of ${nodes.map((node) => node ?? 'an activation').join(', ')}: the cheapest (>) that lose at most`,
    `${budget.value} ${unit} on ${images} calibration images, ${fittedImages} of which they are fitted to.`,
    textTable(
      [[' ', 'degrees', 'time', 'levels', 'N', 'loss'], ...rows],
      ['left', 'left', 'right', 'right', 'right', 'right'],
    ),
    uniform === null
      ? '  No single degree for all of them meets the budget.'
      : `  One degree for all: ${uniform.degrees[0] ?? 0}, ${timeText(uniform.seconds * 1000)}, ${(uniform.seconds / chosen.seconds).toFixed(2)} times as long; loss ${lossText(uniform.loss)}.`,
    '  Times are those of compiled plans; ~ of estimates.',
    `  ${measured} combinations were measured${choice.exhaustive ? '; every cheaper one fails' : '; the search ended at a limit'}.`,
  ].join('\n');
}

function lossText(loss: number): string {
  return loss === 0 ? '0' : loss.toPrecision(3);
}
