import { CipherloomError } from '../../errors.ts';

/** Refuse a budget of keys, with the fewest bytes that would do. Throws KEYS_TOO_LARGE. */
export function refuseKeyBytes(keyBytes: number, maxKeyBytes: number, ringDegree: number): never {
  throw new CipherloomError(
    'KEYS_TOO_LARGE',
    `the evaluation keys take ${keyBytes} bytes at least, --max-key-bytes allows ${maxKeyBytes}`,
    {
      phase: 'ckks',
      details: { keyBytes, maxKeyBytes },
      hint: `--max-key-bytes ${keyBytes}, or --batch ${ringDegree / 2}: a batch layout needs no rotation keys`,
    },
  );
}
