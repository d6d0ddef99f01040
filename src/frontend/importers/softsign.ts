import { activationOperator } from '../families/activations.ts';

export default activationOperator('Softsign', 'x / (1 + |x|) of each element.', 'softsign');
