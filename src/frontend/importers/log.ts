import { activationOperator } from '../activations.ts';

export default activationOperator('Log', 'Natural logarithm of each element.', 'log');
