import { activationOperator } from '../families/activations.ts';

export default activationOperator('Tanh', 'Hyperbolic tangent of each element.', 'tanh');
