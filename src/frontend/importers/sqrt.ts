import { activationOperator } from '../families/activations.ts';

export default activationOperator('Sqrt', 'Square root of each element.', 'sqrt');
