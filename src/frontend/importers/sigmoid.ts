import { activationOperator } from '../families/activations.ts';

export default activationOperator('Sigmoid', '1 / (1 + exp(−x)) of each element.', 'sigmoid');
