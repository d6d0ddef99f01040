/** What a mutated file may do: be examined, or be refused as a file that is bad. */
import { CipherloomError } from '../../src/errors.ts';

/** Exit statuses of a bad file or a model that cannot be had; 1 would be our fault, 5 is another command's. */
const refusals: ReadonlySet<number> = new Set([2, 3, 4, 6, 7]);

export interface Outcome {
  /** `ok`, or the code of the error. */
  readonly result: string;
  /** What is wrong with it, or null. */
  readonly fault: string | null;
}

const properties = Object.getOwnPropertyNames(Object.prototype).length;

/** Run something on a file and judge how it ends. */
export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  let result = 'ok';
  let fault: string | null = null;
  try {
    const answer = await run();
    // What goes to the terminal may hold no control characters, and JSON must be able to say it.
    fault = unprintable(JSON.stringify(answer ?? null));
  } catch (error) {
    if (error instanceof CipherloomError && refusals.has(error.exit)) {
      result = error.code;
      fault = faultOf(error);
    } else {
      result = 'crash';
      fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }
  if (Object.getOwnPropertyNames(Object.prototype).length !== properties)
    fault = 'Object.prototype was changed';
  return { result, fault };
}

function faultOf(error: CipherloomError): string | null {
  const { message, node, hint, details } = error.toJSON();
  if (String(message).length > 20_000) return `a message of ${String(message).length} characters`;
  return unprintable(JSON.stringify({ message, node, hint, details }));
}

/** JSON escapes C0; what is left are escaped forms and the characters that reorder or end lines. */
function unprintable(json: string): string | null {
  const match =
    /\\u00[01][0-9a-f]|\\[bfrt]|[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/.exec(json);
  return match === null
    ? null
    : `a control character in ${json.slice(0, match.index + 20).slice(-200)}`;
}
