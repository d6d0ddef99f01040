/**
 * Every error a user can meet: one table of codes, one error type.
 *
 * A code names a cause, carries the exit status of the command line and one sentence for
 * `cipherloom explain CODE`; `docs/errors/<CODE>.md` is its page.
 */

/** Exit statuses of the command line (see `cipherloom --help`). */
export const exitStatus = {
  ok: 0,
  internal: 1,
  usage: 2,
  badFile: 3,
  cannotCompile: 4,
  missedBudget: 5,
  insecure: 6,
  resourceLimit: 7,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

interface ErrorCodeEntry {
  readonly exit: ExitStatus;
  /** One sentence: what went wrong, without the particulars. */
  readonly summary: string;
}

/** Alphabetical; a code is never reused for another cause. */
export const errorCodes = {
  ACCURACY_UNREACHABLE: {
    exit: 4,
    summary: 'No degrees of the activations that fit the levels meet the accuracy budget.',
  },
  ATTRIBUTE_INVALID: {
    exit: 3,
    summary: 'An ONNX attribute has a value the operator does not allow.',
  },
  BACKEND_UNAVAILABLE: {
    exit: 2,
    summary: 'The evaluator that was asked for is not there, or cannot run this plan.',
  },
  BUDGET_MISSED: { exit: 5, summary: 'A plan misses a budget that `check` was asked to hold.' },
  CIPHERTEXT_INVALID: {
    exit: 3,
    summary: 'A ciphertext does not have the form the plan asks for.',
  },
  CIPHERTEXT_TRUNCATED: {
    exit: 3,
    summary: 'A ciphertext is shorter or longer than its length field says.',
  },
  DATA_INVALID: { exit: 3, summary: 'A data file (npy) cannot be read.' },
  DEADLINE_EXCEEDED: { exit: 7, summary: 'A request took longer than it was given.' },
  FIGURE_UNKNOWN: {
    exit: 2,
    summary: 'A budget is set for a figure that is not known for this plan.',
  },
  FILE_EXISTS: { exit: 2, summary: 'An output would replace something that is not a plan.' },
  FILE_UNREADABLE: { exit: 3, summary: 'A file cannot be opened.' },
  FILE_UNWRITABLE: { exit: 3, summary: 'An output cannot be written.' },
  INPUT_INVALID: {
    exit: 3,
    summary: 'An input tensor has the wrong shape, is not finite or leaves its declared range.',
  },
  INTERNAL: {
    exit: 1,
    summary: 'A broken invariant inside cipherloom: a bug, not a fault of the input.',
  },
  IR_INVALID: { exit: 3, summary: 'A program in IR text is malformed or breaks a type rule.' },
  JOB_FAILED: { exit: 7, summary: 'Workers tried a request several times and gave up.' },
  KEYS_INVALID: { exit: 3, summary: 'An evaluation key file is malformed or damaged.' },
  KEYS_MISMATCH: { exit: 3, summary: 'Keys belong to other parameters or another plan.' },
  KEYS_TOO_LARGE: {
    exit: 4,
    summary: 'No choice of rotation keys keeps the evaluation keys within the budget.',
  },
  LEVELS_EXHAUSTED: {
    exit: 4,
    summary: 'The model needs more levels than the largest secure ring offers.',
  },
  MODEL_INVALID: { exit: 3, summary: 'The ONNX file is malformed.' },
  MODEL_UNSUPPORTED: { exit: 4, summary: 'The model has operators that cannot be compiled.' },
  NODE_TOO_OLD: {
    exit: 2,
    summary: 'This Node.js cannot run the WebAssembly of the encryption library.',
  },
  NOT_FOUND: {
    exit: 3,
    summary: 'A server has no such model, key or path, or not for this caller.',
  },
  PARAMETERS_INFEASIBLE: {
    exit: 4,
    summary: 'No parameters meet precision, range and security together.',
  },
  PARAMETERS_INSECURE: { exit: 6, summary: 'The parameters are below the asked security level.' },
  PARAMETERS_INVALID: { exit: 2, summary: 'A parameter is outside its allowed set.' },
  PLAN_INVALID: { exit: 3, summary: 'A plan file is malformed, damaged or of another version.' },
  PLAN_MISMATCH: { exit: 3, summary: 'A file belongs to another plan.' },
  PRECISION_UNREACHABLE: {
    exit: 4,
    summary: 'The scale is too small for the asked precision, or too large for the modulus.',
  },
  PROGRAM_INVALID: {
    exit: 3,
    summary: 'A TypeScript program cannot be read, fails, or does not say what it computes.',
  },
  QUEUE_UNAVAILABLE: { exit: 7, summary: 'The queue of a service cannot be reached or used.' },
  RANGE_TOO_LARGE: { exit: 4, summary: 'A value can exceed half of the modulus at its level.' },
  RANGE_UNPROVED: {
    exit: 4,
    summary: 'A range is calibrated where only proved ranges are allowed.',
  },
  REQUEST_CONFLICT: {
    exit: 3,
    summary:
      'A request contradicts what the server has: another body for its id, or another part of an upload.',
  },
  REQUEST_INVALID: { exit: 3, summary: 'A request to a server is malformed.' },
  RESOURCE_LIMIT: { exit: 7, summary: 'A memory or size limit would be exceeded.' },
  RESPONSE_INVALID: {
    exit: 3,
    summary: 'An answer of a server is not what the protocol and the plan say.',
  },
  SEAL_FAILED: {
    exit: 1,
    summary: 'The encryption library failed; its WebAssembly instance was replaced.',
  },
  SECRET_KEY_INVALID: {
    exit: 3,
    summary: 'A secret key file is malformed, or belongs to another plan.',
  },
  SERVER_BUSY: { exit: 7, summary: 'A server takes no more requests at the moment.' },
  SERVER_FAILED: { exit: 3, summary: 'A server failed, or answered with an unknown error.' },
  SERVER_UNREACHABLE: { exit: 3, summary: 'A server cannot be reached, or does not answer.' },
  SHAPE_MISMATCH: { exit: 3, summary: 'Tensor shapes do not fit together.' },
  SHARING_REFUSED: {
    exit: 6,
    summary: 'A result cannot be shared: too precise for its error, or too many of one key.',
  },
  UNAUTHORIZED: { exit: 2, summary: 'A server does not know the token of a request.' },
  USAGE: { exit: 2, summary: 'The command line was not understood.' },
  USE_AFTER_DISPOSE: { exit: 1, summary: 'An object was used after it was disposed.' },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

/** The part of the software that found the fault. */
export type Phase =
  | 'cli'
  | 'frontend'
  | 'ir'
  | 'nn'
  | 'packed'
  | 'ckks'
  | 'plan'
  | 'client'
  | 'server'
  | 'seal'
  | 'check';

export interface ErrorContext {
  readonly phase?: Phase;
  /** Name of the ONNX node, tensor or file concerned. */
  readonly node?: string | undefined;
  /** The numbers compared, by name; values are JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What to type next. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A fault of the input or of the request: tells what, where, the numbers compared and a way out. */
export class CipherloomError extends Error {
  readonly code: ErrorCode;
  readonly phase: Phase | null;
  readonly node: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = 'CipherloomError';
    this.code = code;
    this.phase = context.phase ?? null;
    this.node = context.node ?? null;
    this.details = context.details ?? {};
    this.hint = context.hint ?? null;
  }

  get exit(): ExitStatus {
    return errorCodes[this.code].exit;
  }

  toJSON(): Record<string, unknown> {
    const { code, phase, node, message, details, hint } = this;
    return { code, phase, node, message, details, hint };
  }
}

/** A broken invariant: our fault. */
export class InternalError extends CipherloomError {
  constructor(message: string, context: ErrorContext = {}) {
    super('INTERNAL', message, {
      ...context,
      hint:
        context.hint ??
        'this is a bug in cipherloom; please report it with the model if you can share it',
    });
    this.name = 'InternalError';
  }
}

/** Throw an `InternalError` unless the invariant holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** Warnings have identifiers and can be silenced; errors cannot. Alphabetical, one sentence each. */
export const warningIds = {
  ACTIVATION_QUANTISATION_IGNORED: 'Activations that the model quantises stay real numbers.',
  CALIBRATION_CONSTANT: 'Calibration data holds one number throughout; ranges get a wider margin.',
  CALIBRATION_SMALL: 'There is little calibration data; ranges get a wider margin.',
  CALIBRATION_SYNTHETIC: 'Ranges come from synthetic inputs, for want of calibration data.',
  INPUT_RANGE_ASSUMED: 'No input range was given; [0, 1] is assumed.',
  MAX_POOL_AVERAGED: 'A MaxPool was replaced by an average pool, as asked.',
  PRECISION_SHORT: 'The estimated precision is below the asked one.',
  RANGE_ESCAPED: 'Inputs leave a range of the plan; encrypted, they may come back wrong.',
} as const;

export interface Warning {
  readonly id: keyof typeof warningIds;
  readonly message: string;
  readonly node?: string;
}
