/** Every published schema, alphabetically by name. */
import budget from './budget.ts';
import check from './check-output.ts';
import client from './client-plan.ts';
import compile from './compile-output.ts';
import type { JsonSchema } from './define-json-schema.ts';
import error from './error-output.ts';
import exportTorch from './export-torch-output.ts';
import inspect from './inspect-output.ts';
import reportPage from './report-page-output.ts';
import report from './report.ts';
import run from './run-output.ts';
import simulate from './simulate-output.ts';
import verify from './verify-output.ts';

export const jsonSchemas: readonly JsonSchema[] = [
  budget,
  check,
  client,
  compile,
  error,
  exportTorch,
  inspect,
  report,
  reportPage,
  run,
  simulate,
  verify,
];
