import { activationOperator } from '../activations.ts';

export default activationOperator('Tanh', 'Hyperbolic tangent of each element.', 'tanh');
