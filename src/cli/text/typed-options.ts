/** Options as one would type them. */
import { flagText, kebabCase } from '../parse-arguments.ts';

/** Options of a command line that were given, in the order of their names: ` --batch 4 --insecure`. */
export function typedOptions(
  options: Readonly<Record<string, string | readonly string[] | true | undefined>>,
): string {
  return Object.entries(options)
    .flatMap(([name, value]) => {
      const flag = flagText(kebabCase(name));
      if (value === undefined) return [];
      if (value === true) return [` ${flag}`];
      return [value].flat().map((word) => ` ${flag} ${shellWord(word)}`);
    })
    .join('');
}

/** A word that a shell takes as it is. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
