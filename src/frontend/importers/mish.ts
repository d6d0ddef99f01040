import { activationOperator } from '../families/activations.ts';

export default activationOperator('Mish', 'x · tanh(log(1 + exp(x))) of each element.', 'mish');
