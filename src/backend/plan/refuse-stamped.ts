/** Plans that `--insecure` stamped. */
import { CipherloomError } from '../../errors.ts';

/**
 * Refuse the plan of a folder that is stamped insecure, unless that is allowed.
 *
 * Throws PARAMETERS_INSECURE
 */
export function refuseStamped(folder: string, stamped: boolean, allowed: boolean): void {
  if (!stamped || allowed) return;
  throw new CipherloomError(
    'PARAMETERS_INSECURE',
    `${folder} is stamped insecure: its parameters are below 128 bits and protect nothing`,
    {
      phase: 'plan',
      node: folder,
      details: { insecure: true, minimum: 128 },
      hint: 'compile the model without --insecure; with --insecure this command loads the plan anyway',
    },
  );
}
