import { activationOperator } from '../activations.ts';

export default activationOperator('Acosh', 'Inverse hyperbolic cosine of each element.', 'acosh');
