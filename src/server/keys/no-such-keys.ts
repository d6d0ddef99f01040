import { CipherloomError } from '../../errors.ts';

/** What is said of keys that are not there, or another tenant's: the very same. */
export function noSuchKeys(): CipherloomError {
  return new CipherloomError('NOT_FOUND', 'no such keys', {
    phase: 'server',
    hint: 'upload them: PUT /v2/keys/{sha256}?model={name}',
  });
}
