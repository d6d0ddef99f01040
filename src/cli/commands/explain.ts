import { existsSync, readFileSync } from 'node:fs';
import { errorCodes, warningIds } from '../../errors.ts';
import { defineCommand } from '../define-command.ts';
import { nearestName } from '../nearest-name.ts';
import { usageError } from '../usage-error.ts';

export default defineCommand({
  name: 'explain',
  summary: 'Explain an error code or a warning; without one, list them all.',
  positional: { code: { optional: true, describe: 'a code such as LEVELS_EXHAUSTED' } },
  options: {},
  examples: [
    { command: 'cipherloom explain LEVELS_EXHAUSTED', does: 'cause and ways out of one error' },
    { command: 'cipherloom explain', does: 'every code with its exit status' },
  ],
  run({ code }) {
    if (code === undefined) return listCodes();
    const name = code.toUpperCase();
    const entry = findCode(name);
    if (entry === undefined) {
      const nearest = nearestName(name, [...Object.keys(errorCodes), ...Object.keys(warningIds)]);
      throw usageError(`there is no code ${JSON.stringify(code)}`, {
        got: code,
        hint: `cipherloom explain${nearest === undefined ? '' : ` ${nearest}`}`,
      });
    }
    const page = readPage(name);
    const status = entry.exit === null ? 'a warning' : `exit status ${entry.exit}`;
    return {
      json: { ...entry, page },
      text: page ?? `${name} (${status})\n\n${entry.summary}`,
    };
  },
});

interface CodeEntry {
  readonly code: string;
  readonly kind: 'error' | 'warning';
  readonly exit: number | null;
  readonly summary: string;
}

function allCodes(): CodeEntry[] {
  return [
    ...Object.entries(errorCodes).map(([code, { exit, summary }]): CodeEntry => ({
      code,
      kind: 'error',
      exit,
      summary,
    })),
    ...Object.entries(warningIds).map(([code, summary]): CodeEntry => ({
      code,
      kind: 'warning',
      exit: null,
      summary,
    })),
  ];
}

function findCode(name: string): CodeEntry | undefined {
  return allCodes().find(({ code }) => code === name);
}

function listCodes() {
  const codes = allCodes();
  const width = Math.max(...codes.map(({ code }) => code.length));
  const lines = codes.map(
    ({ code, exit, summary }) => `${code.padEnd(width)}  ${exit ?? 'warning'}  ${summary}`,
  );
  return { json: { codes }, text: lines.join('\n') };
}

/** `docs/errors/<CODE>.md`; ASSUME: `name` is a known code, so it cannot lead out of the folder. */
function readPage(name: string): string | null {
  const page = new URL(`../../../docs/errors/${name}.md`, import.meta.url);
  return existsSync(page) ? readFileSync(page, 'utf8') : null;
}
