import { activationOperator } from '../families/activations.ts';

export default activationOperator('Cosh', 'Hyperbolic cosine of each element.', 'cosh');
