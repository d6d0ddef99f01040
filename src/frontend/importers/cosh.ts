import { activationOperator } from '../activations.ts';

export default activationOperator('Cosh', 'Hyperbolic cosine of each element.', 'cosh');
