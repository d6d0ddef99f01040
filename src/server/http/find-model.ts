/** Models by the path of a request. */
import { CipherloomError } from '../../errors.ts';
import type { ServedModel } from '../models/served-model.ts';

export interface ModelPath {
  readonly name: string;
  readonly version?: string;
}

/** Throws NOT_FOUND for another name or version. */
export function findModel(
  models: ReadonlyMap<string, ServedModel>,
  { name, version }: ModelPath,
): ServedModel {
  const model = models.get(name);
  if (model !== undefined && (version === undefined || version === model.version)) return model;
  throw new CipherloomError('NOT_FOUND', 'no such model', {
    phase: 'server',
    hint: 'the page / and POST /v2/repository/index list the models of this server',
  });
}
