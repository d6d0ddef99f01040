import { extremeOperator } from '../extremes.ts';

export default extremeOperator('Min', 'Smallest of the elements, with broadcasting.');
