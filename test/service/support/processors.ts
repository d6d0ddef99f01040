/** Which processors a server and its clients get, so that a load measures the server and not who asks. */
import { spawnSync } from 'node:child_process';

export interface Processors {
  /** Lists as `taskset -c` takes them. */
  readonly server: string;
  readonly clients: string;
  /** Threads of the server's evaluations: its processors. */
  readonly threads: number;
}

/**
 * The last of this process's processors for clients, all others for the server.
 *
 * Throws where there is one processor alone, or no taskset (util-linux).
 */
export function shareProcessors(): Processors {
  const all = expand(ask(['-cp', String(process.pid)]).replace(/^.*: /s, ''));
  const clients = all.pop();
  if (clients === undefined || all.length === 0) throw new Error('a load needs two processors');
  return { server: all.join(','), clients: String(clients), threads: all.length };
}

/** Keep this process, with the threads it has and those it will have, on these processors. */
export function stayOn(list: string): void {
  ask(['-a', '-cp', list, String(process.pid)]);
}

/** `0-2,5` as 0, 1, 2, 5. */
function expand(list: string): number[] {
  return list
    .trim()
    .split(',')
    .flatMap((part) => {
      const [from = NaN, to = from] = part.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, k) => from + k);
    });
}

function ask(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync('taskset', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
