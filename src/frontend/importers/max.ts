import { extremeOperator } from '../extremes.ts';

export default extremeOperator('Max', 'Largest of the elements, with broadcasting.');
