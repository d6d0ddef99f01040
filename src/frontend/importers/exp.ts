import { activationOperator } from '../families/activations.ts';

export default activationOperator('Exp', 'Exponential of each element.', 'exp');
