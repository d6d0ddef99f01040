import { activationOperator } from '../families/activations.ts';

export default activationOperator('Sin', 'Sine of each element.', 'sin');
