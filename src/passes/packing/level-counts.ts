/** The levels of an nn or packed program, and how many of them it could share, before its chain is chosen. */
import type { Program } from '../../ir/program.ts';
import type { CompileOptions } from '../options.ts';
import type { LevelCounts } from '../params/chain.ts';
import { depthOf, sharedLevelsOf } from './depth.ts';

/**
 * Counts along the deepest path; exact once levels are chosen (`sharedLevels`). Weights are taken for
 * vectors, which need more bits, unless every slot holds an image.
 */
export function levelCountsOf(
  program: Program,
  { packing, objective }: Pick<CompileOptions, 'packing' | 'objective'>,
  share: boolean,
): LevelCounts {
  const images = packing === 'auto' && objective === 'throughput';
  const weights = packing === 'feature-major' || images ? 'numbers' : 'vectors';
  const alone = depthOf(program);
  if (!share) return { levels: alone, shared: 0, weights };
  const levels = depthOf(program, sharedLevelsOf(program));
  return { levels, shared: alone - levels, weights };
}
