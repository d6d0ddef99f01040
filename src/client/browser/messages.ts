/** What a page and the worker that holds its keys say to each other. */
import type { ErrorCode, Phase } from '../../errors.ts';
import type { ClientPlan } from '../../layout/client-plan.ts';
import type { TensorLike } from '../../layout/read-inputs.ts';
import type { Tensor } from '../postprocess.ts';
import type { InferStage } from '../remote/remote-model.ts';
import type { RetryPolicy } from '../remote/retry.ts';
import type { SharedResult } from '../sharing.ts';

/** Calls of the page by name: what they take, what they report on the way, what they give. */
export interface Calls {
  connect: {
    readonly request: {
      readonly url: string;
      readonly model?: string;
      readonly token?: string;
      readonly insecure?: boolean;
      readonly retry?: Partial<RetryPolicy>;
    };
    readonly progress: never;
    readonly result: ConnectedModel;
  };
  prepareKeys: {
    readonly request: { readonly keep: boolean };
    readonly progress: KeysProgress;
    readonly result: PreparedKeys;
  };
  infer: {
    readonly request: { readonly inputs: Readonly<Record<string, TensorLike>> };
    readonly progress: InferStage;
    readonly result: BrowserResult;
  };
  decryptForSharing: {
    readonly request: {
      readonly response: Uint8Array<ArrayBuffer>;
      readonly bits: number;
      readonly maxShared?: number;
      readonly minStatisticalBits?: number;
    };
    readonly progress: never;
    readonly result: SharedResult;
  };
  forgetKeys: { readonly request: object; readonly progress: never; readonly result: undefined };
}

export type CallName = keyof Calls;

export interface ConnectedModel {
  readonly plan: ClientPlan;
  readonly name: string;
  /** Exact sizes in bytes. */
  readonly evaluationKeyBytes: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Whether the parameters are below 128 bits: such a plan protects nothing. */
  readonly insecure: boolean;
}

export interface KeysProgress {
  /** `make`: keys made of all. `upload`: bytes on the server of all. */
  readonly stage: 'make' | 'upload';
  readonly done: number;
  readonly total: number;
}

export interface PreparedKeys {
  /** `made` now, or `kept` in this browser from before. */
  readonly secretKey: 'made' | 'kept';
  /** Bytes of evaluation keys that were on the server before. */
  readonly resumedFrom: number;
  readonly sentBytes: number;
  readonly makeSeconds: number;
  readonly uploadSeconds: number;
}

export interface BrowserResult {
  /** For the owner of the key alone: see `Client.decrypt`. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** The ciphertext files as the server saw them. */
  readonly request: Uint8Array<ArrayBuffer>;
  readonly response: Uint8Array<ArrayBuffer>;
  readonly seconds: Readonly<Record<InferStage, number>>;
}

export type PageMessage =
  | {
      readonly [Name in CallName]: {
        readonly kind: 'call';
        readonly id: number;
        readonly name: Name;
        readonly request: Calls[Name]['request'];
      };
    }[CallName]
  | { readonly kind: 'abort'; readonly id: number };

export type WorkerMessage =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: unknown }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError };

/** An error as it crosses to the page: class and prototype do not. */
export interface SentError {
  /** Null where it is none of ours. */
  readonly code: ErrorCode | null;
  readonly name: string;
  readonly message: string;
  readonly phase: Phase | null;
  readonly node: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | null;
}
