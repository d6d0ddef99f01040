import { activationOperator } from '../families/activations.ts';

export default activationOperator('Erf', 'Error function of each element.', 'erf');
