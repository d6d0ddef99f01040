/** A request that is refused with a status of its own. */
import { CipherloomError } from '../errors.ts';
import type { ErrorCode, ErrorContext } from '../errors.ts';

export interface RequestErrorContext extends ErrorContext {
  /** HTTP status. */
  readonly status: number;
  /** Seconds after which it may be sent again. */
  readonly retryAfter?: number;
  /** Further fields of the body, such as how much of an upload arrived. */
  readonly body?: Readonly<Record<string, unknown>>;
}

export class RequestError extends CipherloomError {
  readonly status: number;
  readonly retryAfter: number | null;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, context: RequestErrorContext) {
    super(code, message, { phase: 'server', ...context });
    this.name = 'RequestError';
    this.status = context.status;
    this.retryAfter = context.retryAfter ?? null;
    this.body = context.body ?? {};
  }
}

/** A request that does not have the form that the server takes. */
export function malformed(
  message: string,
  context: Partial<RequestErrorContext> = {},
): RequestError {
  return new RequestError('REQUEST_INVALID', message, {
    status: 400,
    hint: 'docs/service.md has examples, /openapi.json the form',
    ...context,
  });
}
