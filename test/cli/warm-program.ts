import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { cipherloom, passedOn, type Ended } from './spawn-program.ts';

const program = fileURLToPath(new URL('./fixtures/warm-program.ts', import.meta.url));

/**
 * A process that runs command lines with --json, one after the other; starting Node is most of a
 * short one.
 */
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
      child.send(words);
      const [message] = (await answer) as [Omit<Ended, 'signal'>];
      return message;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
    },
  };
}

/**
 * `cipherloom …` for the tests of one file: with --json by one warm process, one command after the
 * other, else by a program of its own, whose terminal is what differs.
 */
export function warmCipherloom(): (...words: readonly string[]) => Promise<Ended> {
  let warm: WarmProgram | null = null;
  let last: Promise<unknown> = Promise.resolve();
  afterAll(() => warm?.[Symbol.asyncDispose]());
  return (...words) => {
    if (!words.includes('--json')) return cipherloom(...words);
    const own = last.then(async () => {
      warm ??= warmProgram({});
      return { ...(await warm.run(words)), signal: null };
    });
    last = own.catch(() => undefined);
    return own;
  };
}
