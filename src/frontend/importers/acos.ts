import { activationOperator } from '../families/activations.ts';

export default activationOperator('Acos', 'Inverse cosine of each element.', 'acos');
