/** What the fuzzer and its process say to each other. */

export interface Job {
  readonly seed: number;
  readonly number: number;
  /** Whether the plan is estimated too. */
  readonly whole: boolean;
}

export type Report =
  | { readonly kind: 'ready'; readonly files: number }
  | {
      readonly kind: 'done';
      readonly number: number;
      readonly origin: string;
      readonly result: string;
      readonly fault: string | null;
      /** Bytes of the mutated file. */
      readonly size: number;
      readonly cpuMs: number;
      /** Largest resident size of the process before the first file, and so far, in bytes. */
      readonly baseline: number;
      readonly peak: number;
    };
