import { activationOperator } from '../activations.ts';

export default activationOperator('Abs', 'Magnitude of each element.', 'abs');
