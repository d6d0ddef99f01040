/** Every published schema, alphabetically by name. */
import bench from './bench-output.ts';
import budget from './budget.ts';
import calibrate from './calibrate-output.ts';
import check from './check-output.ts';
import client from './client-plan.ts';
import compile from './compile-output.ts';
import type { JsonSchema } from './define-json-schema.ts';
import error from './error-output.ts';
import exportTorch from './export-torch-output.ts';
import images from './images-output.ts';
import inspect from './inspect-output.ts';
import reportPage from './report-page-output.ts';
import report from './report.ts';
import run from './run-output.ts';
import simulate from './simulate-output.ts';
import verify from './verify-output.ts';

export const jsonSchemas: readonly JsonSchema[] = [
  bench,
  budget,
  calibrate,
  check,
  client,
  compile,
  error,
  exportTorch,
  images,
  inspect,
  report,
  reportPage,
  run,
  simulate,
  verify,
];
