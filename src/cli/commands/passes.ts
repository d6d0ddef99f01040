import { passes } from '../../passes/index.ts';
import { defineCommand } from '../define-command.ts';

export default defineCommand({
  name: 'passes',
  summary: 'List the passes of the compiler in the order in which they run.',
  positional: {},
  options: {},
  examples: [
    { command: 'cipherloom passes', does: 'every pass with its phase and summary' },
    { command: 'cipherloom passes --json', does: 'the same for a script' },
  ],
  run() {
    const listed = passes.map(({ name, phase, summary }) => ({ name, phase, summary }));
    const width = Math.max(0, ...listed.map(({ name }) => name.length));
    const text = listed.map(
      ({ name, phase, summary }) => `${phase.padEnd(6)}  ${name.padEnd(width)}  ${summary}`,
    );
    return { json: { passes: listed }, text: text.join('\n') };
  },
});
