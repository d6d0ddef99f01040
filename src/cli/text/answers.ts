import type { ClientOutput, ClientPlan } from '../../layout/client-plan.ts';
import { classOutput } from '../protocol/compare.ts';
import { numberText } from './figures.ts';
import { textTable } from './table.ts';

/** More images, or values of one, than a reader takes in are cut. */
const shownImages = 10;
const shownValues = 10;

/** The first answers, a line each: class, label where there is one, values. */
export function answerTable(
  plan: ClientPlan,
  results: ReadonlyMap<string, readonly Float64Array[]>,
  classes: readonly number[] | null,
  labels: readonly number[] | null = null,
): string {
  const images = results.get(plan.outputs[0]?.name ?? '')?.length ?? 0;
  const shown = Math.min(images, shownImages);
  const rows = Array.from({ length: shown }, (_, image) => {
    const label = labels?.[image];
    const top = classes?.[image];
    return [
      String(image),
      ...(top === undefined ? [] : [className(plan.outputs, top)]),
      ...(label === undefined
        ? []
        : [label === top ? 'right' : 'wrong', className(plan.outputs, label)]),
      ...plan.outputs.map(({ name }) => valueText(results.get(name)?.[image])),
    ];
  });
  const head = [
    'image',
    ...(classes === null ? [] : ['answer']),
    ...(labels === null ? [] : ['', 'label']),
    ...plan.outputs.map(({ name }) => name),
  ];
  const more = images > shown ? `\n… and ${images - shown} more` : '';
  return `${textTable([head, ...rows], ['right'])}${more}`;
}

function valueText(row: Float64Array = new Float64Array()): string {
  const values = [...row.subarray(0, shownValues)].map(numberText).join(' ');
  return row.length > shownValues ? `${values} …` : values;
}

function className(outputs: readonly ClientOutput[], index: number): string {
  const { labels } = classOutput(outputs) ?? {};
  return labels?.[index] ?? String(index);
}
