import { z } from 'zod';
import { contract } from '../families/contraction.ts';
import type { Factor } from '../families/contraction.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext, NodeValue } from '../define-importer.ts';
import type { Tensor } from '../../ir/tensor.ts';

export default defineImporter({
  operator: 'Einsum',
  summary: 'Products summed over the axes that the equation names.',
  inputs: [{ name: 'Inputs', doc: 'one tensor for each term of the equation', form: 'either' }],
  variadic: true,
  attributes: {
    equation: attribute(z.string(), 'terms and result, as in `bij,jk->bik`'),
  },
  lowersTo:
    '`nn.linear`, one matrix of all constants; encrypted tensors are multiplied first (`nn.mul`).',
  notes: ['Each encrypted tensor behind the first one costs a level.'],
  import(context) {
    const { terms, result } = equationOf(context);
    const data: Factor<DataValue>[] = [];
    const constants: Factor<Tensor>[] = [];
    context.inputs.forEach((input, n) => {
      const labels = terms[n]!;
      if (input?.kind === 'data') data.push({ value: input, labels });
      else if (input?.kind === 'constant') constants.push({ value: input.tensor, labels });
    });
    return contract(data, constants, result, context);
  },
});

function rankOf(input: NodeValue | undefined): number {
  if (input === undefined) return 0;
  return (input.kind === 'data' ? input.shape : input.tensor.shape).length;
}

/** Labels of the axes of each input and of the result; an ellipsis becomes numbers from the right. */
function equationOf(
  context: ImportContext<{ equation: { schema: z.ZodType<string>; doc: string } }>,
): {
  readonly terms: readonly (readonly string[])[];
  readonly result: readonly string[];
} {
  const equation = context.attributes.equation.replaceAll(' ', '');
  const [left = '', right, ...rest] = equation.split('->');
  const given = left.split(',');
  const invalid = (reason: string): never =>
    context.invalid(`its equation ${reason}`, { equation });
  const term = /^[A-Za-z]*(\.\.\.[A-Za-z]*)?$/;
  if (rest.length > 0 || ![...given, right ?? ''].every((text) => term.test(text))) {
    return invalid('is no list of terms such as ij,jk->ik');
  }
  if (given.length !== context.inputs.length) {
    invalid(`has ${given.length} terms for ${context.inputs.length} inputs`);
  }
  const hidden = given.map((text, n) => {
    const count = rankOf(context.inputs[n]) - text.replace('...', '').length;
    if (count < 0 || (count > 0 && !text.includes('...'))) {
      invalid(`names other axes than input ${n} of rank ${rankOf(context.inputs[n])} has`);
    }
    return count;
  });
  const labelsOf = (text: string, count: number): string[] => {
    const [before = '', behind = ''] = text.split('...');
    const numbers = text.includes('...')
      ? Array.from({ length: count }, (_, k) => String(count - k))
      : [];
    return [...Array.from(before), ...numbers, ...Array.from(behind)];
  };
  const terms = given.map((text, n) => labelsOf(text, hidden[n]!));
  const most = Math.max(...hidden);
  if (right !== undefined) {
    if (most > 0 && !right.includes('...')) invalid('has an ellipsis that its result lacks');
    return { terms, result: labelsOf(right, most) };
  }
  // Without a result: the labels that occur once, in alphabetical order, behind the ellipsis.
  const letters = Array.from(left.replaceAll(/[.,]/g, ''));
  const once = letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label));
  return { terms, result: [...labelsOf('...', most), ...once.sort()] };
}
