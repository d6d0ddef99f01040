/** The error that a call throws. */
import { CipherloomError } from '../../src/errors.ts';

/** Run `call` and return its CipherloomError; anything else it throws, and no error at all, fails the test. */
export function errorOf(call: () => unknown): CipherloomError {
  try {
    call();
  } catch (error) {
    if (error instanceof CipherloomError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}
