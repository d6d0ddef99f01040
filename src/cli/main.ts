import { isMainThread } from 'node:worker_threads';

// One file is both the program and its worker, so that each thread loads only what it needs: the
// terminal's thread neither the compiler nor the encryption library.
if (isMainThread) {
  const { runFromTerminal } = await import('./terminal.ts');
  runFromTerminal(new URL(import.meta.url), process.argv.slice(2));
} else {
  const { runInWorker } = await import('./run-command.ts');
  const { commands } = await import('./commands/index.ts');
  await runInWorker(commands);
}
