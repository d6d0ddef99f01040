/** What the client does with the decrypted result: the last methods of an output. */
import { axis, defineMethod, parameter } from '../define-method.ts';

const lastAxis = parameter('axis', axis.default(-1), 'axis, the last one where absent');

export const finalMethods = {
  softmax: defineMethod({
    summary: 'Exponentials along an axis, divided by their sum. At the end only.',
    parameters: [lastAxis],
    build: (x, [at], context) => context.apply('Softmax', [x], { axis: at }),
  }),
  logSoftmax: defineMethod({
    summary: 'Logarithm of the softmax along an axis. At the end only.',
    parameters: [lastAxis],
    build: (x, [at], context) => context.apply('LogSoftmax', [x], { axis: at }),
  }),
  argMax: defineMethod({
    summary: 'Index of the largest element along an axis. At the end only.',
    parameters: [lastAxis],
    build: (x, [at], context) => context.apply('ArgMax', [x], { axis: at, keepdims: 0 }),
  }),
};
