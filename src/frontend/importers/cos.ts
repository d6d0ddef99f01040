import { activationOperator } from '../activations.ts';

export default activationOperator('Cos', 'Cosine of each element.', 'cos');
