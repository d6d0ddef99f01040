import { activationOperator } from '../families/activations.ts';

export default activationOperator('Softplus', 'log(1 + exp(x)) of each element.', 'softplus');
