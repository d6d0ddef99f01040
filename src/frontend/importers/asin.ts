import { activationOperator } from '../activations.ts';

export default activationOperator('Asin', 'Inverse sine of each element.', 'asin');
