import { argImporter } from '../families/arg-extremes.ts';

export default argImporter('ArgMin', 'Index of the smallest element along an axis.', 'nn.arg-min');
