import { activationOperator } from '../families/activations.ts';

export default activationOperator('Acosh', 'Inverse hyperbolic cosine of each element.', 'acosh');
