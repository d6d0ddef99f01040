/** Errors of the addon as errors of this project. */
import { CipherloomError, errorCodes, InternalError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

const hints: Partial<Record<ErrorCode, string>> = {
  CIPHERTEXT_INVALID:
    'the ciphertext belongs to another plan, or was damaged; encrypt or evaluate again',
  FILE_UNWRITABLE: 'name a folder that exists and that this process may write to',
  KEYS_INVALID: 'transfer the file again, or make the keys again with keygen',
  PLAN_INVALID: 'compile the model again with this release',
  RESOURCE_LIMIT: 'ask for fewer threads',
  USE_AFTER_DISPOSE: 'create another session',
};

/** What the addon threw, with its code of the table; anything else is our fault. */
export function nativeError(cause: unknown): CipherloomError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (!isErrorCode(code) || code === 'INTERNAL') {
    return new InternalError(`native evaluator: ${message}`, { phase: 'server', cause });
  }
  return new CipherloomError(code, message, { phase: 'server', hint: hints[code], cause });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}
