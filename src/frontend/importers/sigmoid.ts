import { activationOperator } from '../activations.ts';

export default activationOperator('Sigmoid', '1 / (1 + exp(−x)) of each element.', 'sigmoid');
