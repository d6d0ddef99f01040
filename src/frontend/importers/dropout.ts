import { attribute, defineImporter } from '../define-importer.ts';
import { flag, float, int } from '../families/attribute-schemas.ts';

export default defineImporter({
  operator: 'Dropout',
  summary: 'The input itself: dropout belongs to training.',
  inputs: [
    { name: 'data', doc: 'any tensor', form: 'data' },
    { name: 'ratio', doc: 'ignored', form: 'constant', optional: true, since: 12 },
    { name: 'training_mode', doc: 'must be false', form: 'constant', optional: true, since: 12 },
  ],
  attributes: {
    ratio: attribute(float.default(0.5), 'ignored', { until: 11 }),
    is_test: attribute(flag.default(false), 'must be 1', { until: 6 }),
    seed: attribute(int.optional(), 'ignored', { since: 12 }),
  },
  lowersTo: 'nothing.',
  notes: ['The output mask is refused.'],
  import(context) {
    const training = context.optionalConstant(2)?.tensor.data[0] ?? 0;
    if (training !== 0 || (context.opset <= 6 && !context.attributes.is_test)) {
      context.unsupported(
        'it is in training mode',
        'export the model in inference mode: model.eval()',
      );
    }
    return context.data(0);
  },
});
