/** docs/errors.md: every error and warning with its page, from the table of codes. */
import { errorCodes, warningIds } from '../../src/errors.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';

const generated = '<!-- Written by `npm run docs` from src/errors.ts; do not edit. -->';

export function errorPage(): Page {
  const link = (code: string): string => `[${code}](errors/${code}.md)`;
  const text = [
    '# Errors and warnings',
    generated,
    'An error has a code, the place (a node of the model, a field, an option), the two numbers compared, and what to type next. `cipherloom explain CODE` prints its page; in TypeScript it is the `code` of a `CipherloomError`, over HTTP the `code` of the answer.',
    table(
      ['error', 'exit status', 'means'],
      Object.entries(errorCodes).map(([code, { exit, summary }]) => [
        link(code),
        String(exit),
        summary,
      ]),
    ),
    'Warnings end nothing. They are printed, listed in the report, and left out by `--silence ID`.',
    table(
      ['warning', 'means'],
      Object.entries(warningIds).map(([id, summary]) => [link(id), summary]),
    ),
  ];
  return { path: 'docs/errors.md', text: text.join('\n\n') };
}
