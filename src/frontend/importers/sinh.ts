import { activationOperator } from '../families/activations.ts';

export default activationOperator('Sinh', 'Hyperbolic sine of each element.', 'sinh');
