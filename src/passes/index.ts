/** All passes, in the order in which the pipeline runs them. */
import type { Pass } from './define-pass.ts';

export const passes: readonly Pass[] = [];
