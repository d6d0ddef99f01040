/**
 * Evaluations without a service, in a process of its own: what one takes is what HTTP and queues are
 * compared with.
 *
 * Run by `startEvaluations` as: evaluations.ts MODEL.loom EVALUATION.keys X.ct THREADS
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { InferenceSession } from '../../../src/server/index.ts';

export interface Evaluations extends Disposable {
  /** Milliseconds of one evaluation. */
  run(): Promise<number>;
}

export interface EvaluationFiles {
  readonly plan: string;
  readonly keys: string;
  readonly request: string;
}

/** Start the process on these processors (`taskset -c`); the first evaluation is over when it resolves. */
export async function startEvaluations(
  { plan, keys, request }: EvaluationFiles,
  { processors, threads }: { readonly processors: string; readonly threads: number },
): Promise<Evaluations> {
  const child = fork(import.meta.filename, [plan, keys, request, String(threads)], {
    execPath: 'taskset',
    execArgv: ['-c', processors, process.execPath],
  });
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`the evaluations ended with ${String(status)}`);
  });
  // Without a run nobody waits for it: they are ended where they are disposed.
  ended.catch(() => undefined);
  const next = async (): Promise<number> => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [number];
    return message;
  };
  await next();
  return {
    run() {
      child.send('run');
      return next();
    },
    [Symbol.dispose]() {
      child.kill();
    },
  };
}

async function main([plan = '', keys = '', file = '', threads]: readonly string[]): Promise<void> {
  const request = new Uint8Array(readFileSync(file));
  const session = await InferenceSession.create(plan, {
    evaluationKeys: keys,
    threads: Number(threads),
  });
  const evaluate = async (): Promise<void> => {
    const at = performance.now();
    await session.run(request);
    process.send!(performance.now() - at);
  };
  process.on('message', () => void evaluate());
  await evaluate();
}

if (import.meta.main) await main(process.argv.slice(2));
