import { argImporter } from '../families/arg-extremes.ts';

export default argImporter('ArgMax', 'Index of the largest element along an axis.', 'nn.arg-max');
