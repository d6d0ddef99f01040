import { defineImporter } from '../define-importer.ts';

export default defineImporter({
  operator: 'Range',
  summary: 'Numbers from a start to a limit, which is not included.',
  inputs: [
    { name: 'start', doc: 'a constant number', form: 'constant' },
    { name: 'limit', doc: 'a constant number', form: 'constant' },
    { name: 'delta', doc: 'a constant step other than 0', form: 'constant' },
  ],
  attributes: {},
  lowersTo: 'a constant.',
  import: (context) => context.unsupported('its inputs depend on the encrypted input'),
  fold(context) {
    const { elementType } = context.constant(0);
    const [start = 0, limit = 0, delta = 0] = [0, 1, 2].map((n) => {
      const { data } = context.constant(n).tensor;
      return data.length === 1 ? data[0]! : context.invalid(`input ${n} is no single number`);
    });
    if (delta === 0) context.invalid('its step is 0');
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    context.elements([count]);
    const data = Float64Array.from({ length: count }, (_, n) => start + n * delta);
    return { kind: 'constant', tensor: { shape: [count], data }, elementType };
  },
});
