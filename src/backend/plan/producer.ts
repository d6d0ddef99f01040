/** The name under which this build writes plans. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

let known: string | null = null;

/** Name and version, as in `cipherloom 0.1.0`. */
export function currentProducer(): string {
  // The same distance from src/backend/plan and from dist/backend/plan.
  known ??= `cipherloom ${
    z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')))
      .version
  }`;
  return known;
}
