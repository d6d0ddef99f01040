import { activationOperator } from '../activations.ts';

export default activationOperator('Reciprocal', '1 / x of each element.', 'reciprocal');
