import { activationOperator } from '../activations.ts';

export default activationOperator('Atan', 'Inverse tangent of each element.', 'atan');
