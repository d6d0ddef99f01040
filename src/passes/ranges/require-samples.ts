/** Polynomials in the place of functions are fitted to data: the user's, or made in a stated range. */
import type { Program } from '../../ir/program.ts';
import type { PassContext } from '../define-pass.ts';
import { isElementFunction } from '../polynomial/element-functions.ts';
import { unsupportedNodes } from '../unsupported-nodes.ts';

/** Refuse functions that would be fitted to nothing. Throws MODEL_UNSUPPORTED listing them. */
export function requireSamples(
  program: Program,
  { calibration, options }: Pick<PassContext, 'calibration' | 'options'>,
): void {
  const activations = program.operations.filter(isElementFunction);
  if (activations.length === 0 || calibration !== null || options.inputRangeGiven) return;
  throw unsupportedNodes(
    activations,
    'the range of their arguments is needed to replace them by polynomials',
    '--calibration X.npy with inputs as the model will see them, or --input-range LO,HI',
  );
}
