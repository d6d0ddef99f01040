import { activationOperator } from '../families/activations.ts';

export default activationOperator('Asin', 'Inverse sine of each element.', 'asin');
