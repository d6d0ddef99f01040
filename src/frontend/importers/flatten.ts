import { elementCount } from '../../layout/layout.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import { int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Flatten',
  summary: 'A matrix: the axes before `axis` are its rows, the others its columns.',
  inputs: [{ name: 'input', doc: 'any tensor', form: 'data' }],
  attributes: {
    axis: attribute(int.default(1), 'first axis of the columns, −rank … rank'),
  },
  lowersTo: '`nn.reshape`, which costs nothing.',
  import(context) {
    const x = context.data(0);
    const rank = x.shape.length;
    const { axis } = context.attributes;
    if (axis < -rank || axis > rank) {
      context.invalid(`axis ${axis} is outside −${rank} … ${rank}`, { axis, rank });
    }
    const at = axis < 0 ? axis + rank : axis;
    const shape = [elementCount(x.shape.slice(0, at)), elementCount(x.shape.slice(at))];
    return context.add('nn.reshape', [x], { shape });
  },
});
