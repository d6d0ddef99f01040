import { activationOperator } from '../families/activations.ts';

export default activationOperator('Log', 'Natural logarithm of each element.', 'log');
