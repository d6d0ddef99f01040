/** What `native/node` exports. */

/**
 * Number of the interface between this folder and the addon: `INTERFACE` of `native/node/src/lib.rs`.
 * It changes whenever one of them would not understand the other.
 */
export const interfaceVersion = 4;

export interface NativeAddon {
  interfaceVersion(): number;
  /** Name of the instructions that it computes with here: `scalar`, `avx2`, `avx512-ifma`. */
  kernel(): string;
  /**
   * Read the bytes of a plan; keep at most so many bytes of encoded constants, and share a run out
   * to so many threads.
   */
  loadPlan(bytes: Uint8Array, plaintextBytes: number, threads: number): Promise<AddonPlan>;
  readonly RunControl: new () => AddonControl;
}

export interface AddonPlan {
  /** Open keys, given or in a file; expanded ones are mapped from a file in the folder. */
  openSession(keys: Uint8Array | string, keyCacheFolder?: string): Promise<AddonSession>;
  dispose(): void;
}

export interface AddonSession {
  run(
    ciphertexts: Readonly<Record<string, readonly Uint8Array[]>>,
    publicValues: Readonly<Record<string, readonly Float64Array[]>>,
    control: AddonControl,
  ): Promise<Record<string, Uint8Array[]>>;
  dispose(): void;
}

export interface AddonControl {
  cancel(): void;
  readonly done: number;
  readonly total: number;
  readonly node: string | null;
}
