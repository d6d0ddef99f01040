/** What a server answers instead of a result, as an error of this client. */
import { CipherloomError, errorCodes, type ErrorCode } from '../../errors.ts';

/** Statuses of servers, or proxies, whose body names no code that is known here. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'UNAUTHORIZED',
  404: 'NOT_FOUND',
  409: 'REQUEST_CONFLICT',
  413: 'RESOURCE_LIMIT',
  429: 'SERVER_BUSY',
  503: 'SERVER_BUSY',
  504: 'DEADLINE_EXCEEDED',
  507: 'RESOURCE_LIMIT',
};

const maxText = 500;

/** Make an error of an answer; its texts come from the server, so they are cut and cleaned. */
export function serverError(status: number, body: Uint8Array, server: string): CipherloomError {
  const { error, code, hint } = fieldsOf(body);
  const known = isErrorCode(code) ? code : (codeOfStatus[status] ?? 'SERVER_FAILED');
  const message = clean(error) ?? `it answered with status ${status}`;
  return new CipherloomError(known, `server: ${message}`, {
    phase: 'client',
    node: server,
    details: { status },
    hint: clean(hint) ?? undefined,
  });
}

/** A number in the JSON of an answer, such as how much of an upload is there. */
export function numberIn(body: Uint8Array, name: string): number | null {
  const value = fieldsOf(body)[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** The fields of a JSON object; none where the body is no such thing. */
export function fieldsOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  return fieldsIn(parsed(body));
}

/** The fields of each object of a JSON array; none where the body is no such thing. */
export function entriesOf(body: Uint8Array): readonly Readonly<Record<string, unknown>>[] {
  const value = parsed(body);
  return Array.isArray(value) ? value.map(fieldsIn) : [];
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
}

function fieldsIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}

/** A text of the server without control characters, which terminals would obey. */
function clean(text: unknown): string | null {
  if (typeof text !== 'string' || text === '') return null;
  return text.slice(0, maxText).replaceAll(/\p{Cc}+/gu, ' ');
}
