/** What runs a plan on ciphertexts with the keys of one client: SEAL, or the native addon. */
import type { ExecuteOptions } from './execute/execute.ts';

/** Serialised ciphertexts by the name of an input or output. */
export type CiphertextBlobs = ReadonlyMap<string, readonly Uint8Array[]>;

/** Runs are the caller's to put in turn: one at a time. */
export interface PlanRunner extends AsyncDisposable {
  /**
   * Run the program once.
   *
   * Throws CIPHERTEXT_INVALID, KEYS_INVALID for a damaged key, and the reason of the signal.
   */
  run(inputs: CiphertextBlobs, options: ExecuteOptions): Promise<CiphertextBlobs>;
}
