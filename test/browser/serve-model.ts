/** A running `cipherloom serve`, as users start it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { launcher } from '../cli/spawn-program.ts';

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** What it has written to stderr so far. */
  readonly log: () => string;
}

/** Start it on a free port, on these processors alone (`taskset -c`) where named; resolves when it listens. */
export async function serveModel(
  plans: readonly string[],
  options: readonly string[],
  processors?: string,
): Promise<ModelServer> {
  const [program = process.execPath, ...before] =
    processors === undefined ? [] : ['taskset', '-c', processors, process.execPath];
  const child = spawn(
    program,
    [...before, launcher, 'serve', ...plans, '--port', '0', '--json', ...options],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(([status]) => {
      throw new Error(`cipherloom serve ended with ${String(status)}: ${log}`);
    }),
  ]);
  const { address } = JSON.parse(String(line[0])) as { readonly address: string };
  return {
    url: address,
    log: () => log,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
