import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { passedOn, type Ended } from './spawn-program.ts';

const program = fileURLToPath(new URL('./fixtures/warm-program.ts', import.meta.url));

/** A process that runs one command line after the other, with --json; starting Node is most of a short one. */
export interface WarmProgram extends AsyncDisposable {
  run(words: readonly string[]): Promise<Omit<Ended, 'signal'>>;
}

/** Start the commands of the command line in a process of their own; dispose ends it. */
export function warmProgram(env: Readonly<Record<string, string>>): WarmProgram {
  const child: ChildProcess = fork(program, [], {
    execArgv: [],
    env: { ...passedOn(), ...env },
    // What libraries print is none of the command's.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      reject(new Error(`the warm program ended: ${String(status ?? signal)}`));
    });
  });
  // Awaited beside every answer; an exit in between is none that nobody handles.
  ended.catch(() => undefined);
  return {
    async run(words) {
      const answer = Promise.race([once(child, 'message'), ended]);
      child.send([...words, '--json']);
      const [message] = (await answer) as [Omit<Ended, 'signal'>];
      return message;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
    },
  };
}
