import { extremeOperator } from '../families/extremes.ts';

export default extremeOperator('Max', 'Largest of the elements, with broadcasting.');
