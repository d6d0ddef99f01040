import { activationOperator } from '../families/activations.ts';

export default activationOperator('Atan', 'Inverse tangent of each element.', 'atan');
