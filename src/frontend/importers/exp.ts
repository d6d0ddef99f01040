import { activationOperator } from '../activations.ts';

export default activationOperator('Exp', 'Exponential of each element.', 'exp');
