import { activationOperator } from '../activations.ts';

export default activationOperator('Sin', 'Sine of each element.', 'sin');
