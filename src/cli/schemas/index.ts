/** Every published schema, alphabetically by name. */
import budget from './budget.ts';
import check from './check-output.ts';
import client from './client-plan.ts';
import compile from './compile-output.ts';
import type { JsonSchema } from './define-json-schema.ts';
import error from './error-output.ts';
import inspect from './inspect-output.ts';
import report from './report.ts';
import run from './run-output.ts';

export const jsonSchemas: readonly JsonSchema[] = [
  budget,
  check,
  client,
  compile,
  error,
  inspect,
  report,
  run,
];
