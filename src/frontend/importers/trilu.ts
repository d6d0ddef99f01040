import { integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { flag } from '../families/attribute-schemas.ts';
import { masked } from '../families/masks.ts';

export default defineImporter({
  operator: 'Trilu',
  summary: 'The upper or lower triangle of the last two axes, zero elsewhere.',
  inputs: [
    { name: 'input', doc: '[…, rows, columns]', form: 'data' },
    {
      name: 'k',
      doc: 'constant diagonal that bounds it, 0 where absent',
      form: 'constant',
      optional: true,
    },
  ],
  attributes: { upper: attribute(flag.default(true), 'whether the upper triangle is kept') },
  lowersTo: '`nn.scale` by zeros and ones.',
  import(context) {
    const x = context.data(0);
    const [rows, columns] = x.shape.slice(-2);
    if (rows === undefined || columns === undefined) {
      return context.invalid(`[${x.shape.join(',')}] has no rows and columns`);
    }
    const given = context.optionalConstant(1);
    const [k = 0] = given === null ? [0] : integersOf(given, context);
    const { upper } = context.attributes;
    const keep = Float64Array.from({ length: rows * columns }, (_, n) => {
      const diagonal = (n % columns) - Math.floor(n / columns);
      return (upper ? diagonal >= k : diagonal <= k) ? 1 : 0;
    });
    return masked(x, { shape: [rows, columns], data: keep }, context);
  },
});
