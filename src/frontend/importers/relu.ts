import { activationOperator } from '../families/activations.ts';

export default activationOperator('Relu', 'max(x, 0) of each element.', 'relu');
