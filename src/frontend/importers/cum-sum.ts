import { axisOf, integersOf } from '../families/axes.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { flag } from '../families/attribute-schemas.ts';
import { alongAxes, axisMatrix } from '../families/weighted-sums.ts';

export default defineImporter({
  operator: 'CumSum',
  summary: 'Sum of all elements of an axis up to each one.',
  inputs: [
    { name: 'x', doc: 'any tensor', form: 'data' },
    { name: 'axis', doc: 'a constant axis', form: 'constant' },
  ],
  attributes: {
    exclusive: attribute(flag.default(false), 'whether the element itself is left out'),
    reverse: attribute(flag.default(false), 'whether the sums begin at the end'),
  },
  lowersTo: '`nn.linear`, a triangular matrix.',
  import(context) {
    const x = context.data(0);
    const { exclusive, reverse } = context.attributes;
    const [given = 0] = integersOf(context.constant(1), context);
    const axis = axisOf(given, x.shape.length, context);
    const extent = x.shape[axis]!;
    context.elements([extent, extent]);
    const counts = (out: number, input: number): boolean =>
      (exclusive && input === out) || (reverse ? input < out : input > out) ? false : true;
    const positions = Array.from({ length: extent }, (_, n) => n);
    const rows = positions.map((out) =>
      positions.flatMap((input) => (counts(out, input) ? [[input, 1] as const] : [])),
    );
    return alongAxes(x, new Map([[axis, axisMatrix(extent, rows)]]), context);
  },
});
