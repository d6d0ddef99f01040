import { activationOperator } from '../families/activations.ts';

export default activationOperator('Reciprocal', '1 / x of each element.', 'reciprocal');
