import { activationOperator } from '../families/activations.ts';

export default activationOperator('Cos', 'Cosine of each element.', 'cos');
