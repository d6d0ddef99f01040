/** `cipherloom serve` and `cipherloom worker` as processes that can be killed. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface RunningProgram {
  readonly process: ChildProcess;
  /** The object that it announced. */
  readonly announced: Record<string, unknown>;
  /** Lines of its log. */
  readonly log: readonly string[];
  /** SIGKILL: it can do nothing about it. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit status. */
  stop(): Promise<number | null>;
}

/** Start it and wait for its announcement. Throws with its log where it ends instead. */
export async function startProgram(...words: readonly string[]): Promise<RunningProgram> {
  return startProgramWith({}, ...words);
}

/** The same, with variables of its environment. */
export async function startProgramWith(
  environment: Readonly<Record<string, string>>,
  ...words: readonly string[]
): Promise<RunningProgram> {
  const child = spawn(process.execPath, [main, ...words, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const log: string[] = [];
  let rest = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    log.push(...lines);
  });
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (text.includes('\n')) {
      resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as Record<string, unknown>);
    }
  });
  child.on('error', reject);
  child.on('exit', (code, signal) => {
    reject(
      new Error(`${words.join(' ')} ended (${String(code ?? signal)}): ${log.join('\n')}${rest}`),
    );
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  return {
    process: child,
    announced: await promise,
    log,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}
