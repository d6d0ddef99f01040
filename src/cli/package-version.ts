import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The version of this installation, from its package.json. */
export function packageVersion(): string {
  // The same distance from src/cli and from dist/cli.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
