import type { CommandTable } from '../define-command.ts';

/**
 * Every command by its name, alphabetical; the name is that of the file. Loaded when used, so that
 * `explain` does not wait for the encryption library.
 */
export const commands = {
  bench: () => import('./bench.ts'),
  calibrate: () => import('./calibrate.ts'),
  check: () => import('./check.ts'),
  compile: () => import('./compile.ts'),
  decrypt: () => import('./decrypt.ts'),
  encrypt: () => import('./encrypt.ts'),
  evaluate: () => import('./evaluate.ts'),
  explain: () => import('./explain.ts'),
  'export-torch': () => import('./export-torch.ts'),
  images: () => import('./images.ts'),
  inspect: () => import('./inspect.ts'),
  keygen: () => import('./keygen.ts'),
  ops: () => import('./ops.ts'),
  opt: () => import('./opt.ts'),
  passes: () => import('./passes.ts'),
  report: () => import('./report.ts'),
  run: () => import('./run.ts'),
  serve: () => import('./serve.ts'),
  simulate: () => import('./simulate.ts'),
  submit: () => import('./submit.ts'),
  verify: () => import('./verify.ts'),
  worker: () => import('./worker.ts'),
} as const satisfies CommandTable;
