import { passes } from '../passes/index.ts';
import { nearestName } from './nearest-name.ts';
import { usageError } from './usage-error.ts';

/** Refuse a name that no pass has. Throws USAGE with the nearest. */
export function requirePassName(name: string, option: string, also: readonly string[] = []): void {
  const names = [...passes.map((pass) => pass.name), ...also];
  if (names.includes(name)) return;
  const nearest = nearestName(name, names);
  throw usageError(`${option}: there is no pass ${JSON.stringify(name)}`, {
    option,
    got: name,
    hint: nearest === undefined ? 'cipherloom passes' : `did you mean ${nearest}?`,
  });
}
