import { zipConstants } from '../families/elementwise-constants.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { flag } from '../families/attribute-schemas.ts';
import { refusalOf } from '../known-operators.ts';

const refusal = refusalOf('Mod');

export default defineImporter({
  operator: 'Mod',
  summary: 'Remainder of the division of constants.',
  inputs: [
    { name: 'A', doc: 'a constant', form: 'constant' },
    { name: 'B', doc: 'a constant without zeros', form: 'constant' },
  ],
  attributes: {
    fmod: attribute(flag.default(false), 'whether the sign is that of A rather than that of B'),
  },
  lowersTo: 'a constant.',
  refusal,
  import: (context) => context.unsupported(refusal.reason, refusal.wayOut),
  fold(context) {
    const [a, b] = [context.constant(0), context.constant(1)];
    const zero = b.tensor.data.indexOf(0);
    if (zero >= 0) context.invalid(`element ${zero} of the divisor is 0`, { index: zero });
    const { fmod } = context.attributes;
    const remainder = (x: number, y: number): number => (fmod ? x % y : x - y * Math.floor(x / y));
    return { ...a, tensor: zipConstants(a.tensor, b.tensor, remainder, context) };
  },
});
