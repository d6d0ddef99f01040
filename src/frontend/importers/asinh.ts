import { activationOperator } from '../families/activations.ts';

export default activationOperator('Asinh', 'Inverse hyperbolic sine of each element.', 'asinh');
