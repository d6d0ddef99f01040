import { activationOperator } from '../families/activations.ts';

export default activationOperator('Abs', 'Magnitude of each element.', 'abs');
