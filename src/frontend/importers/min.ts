import { extremeOperator } from '../families/extremes.ts';

export default extremeOperator('Min', 'Smallest of the elements, with broadcasting.');
