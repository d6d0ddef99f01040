import { activationOperator } from '../activations.ts';

export default activationOperator('Mish', 'x · tanh(log(1 + exp(x))) of each element.', 'mish');
