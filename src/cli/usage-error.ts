import { CipherloomError } from '../errors.ts';

/** A command line that was not understood: exit status 2. `option` is the flag as typed. */
export function usageError(
  message: string,
  context: { option?: string; got?: unknown; hint?: string | undefined } = {},
): CipherloomError {
  const { option, got, hint } = context;
  return new CipherloomError('USAGE', message, {
    phase: 'cli',
    node: option,
    details: {
      ...(option === undefined ? {} : { option }),
      ...(got === undefined ? {} : { got }),
    },
    hint,
  });
}
