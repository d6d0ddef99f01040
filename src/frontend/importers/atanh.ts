import { activationOperator } from '../activations.ts';

export default activationOperator('Atanh', 'Inverse hyperbolic tangent of each element.', 'atanh');
