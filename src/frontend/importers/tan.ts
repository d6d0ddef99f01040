import { activationOperator } from '../activations.ts';

export default activationOperator('Tan', 'Tangent of each element.', 'tan');
