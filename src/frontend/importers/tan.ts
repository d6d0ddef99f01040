import { activationOperator } from '../families/activations.ts';

export default activationOperator('Tan', 'Tangent of each element.', 'tan');
