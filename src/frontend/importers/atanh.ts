import { activationOperator } from '../families/activations.ts';

export default activationOperator('Atanh', 'Inverse hyperbolic tangent of each element.', 'atanh');
