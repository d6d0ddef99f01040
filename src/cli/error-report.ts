import pc from 'picocolors';
import { CipherloomError, errorCodes, InternalError, type ErrorCode } from '../errors.ts';
import { escapeControl } from './escape-control.ts';
import type { ErrorReport } from './messages.ts';

/** Errors of the file system by their code; those not listed are bugs of ours. */
const systemErrors: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'FILE_UNREADABLE',
  EISDIR: 'FILE_UNREADABLE',
  ELOOP: 'FILE_UNREADABLE',
  ENAMETOOLONG: 'FILE_UNREADABLE',
  ENOENT: 'FILE_UNREADABLE',
  ENOTDIR: 'FILE_UNREADABLE',
  EPERM: 'FILE_UNREADABLE',
  EDQUOT: 'FILE_UNWRITABLE',
  EEXIST: 'FILE_UNWRITABLE',
  ENOSPC: 'FILE_UNWRITABLE',
  EROFS: 'FILE_UNWRITABLE',
  EMFILE: 'RESOURCE_LIMIT',
  ENOMEM: 'RESOURCE_LIMIT',
  ERR_FS_FILE_TOO_LARGE: 'RESOURCE_LIMIT',
  ERR_STRING_TOO_LONG: 'RESOURCE_LIMIT',
  ERR_WORKER_OUT_OF_MEMORY: 'RESOURCE_LIMIT',
};

/** Turn whatever was thrown into a CipherloomError. */
function toCipherloomError(error: unknown): CipherloomError {
  if (error instanceof CipherloomError) return error;
  if (!(error instanceof Error))
    return new InternalError(`something other than an error was thrown: ${String(error)}`);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && Object.hasOwn(systemErrors, code)) {
    return new CipherloomError(systemErrors[code]!, error.message, {
      phase: 'cli',
      node: path,
      details: { systemCode: code },
      hint:
        path === undefined ? undefined : `check that ${path} exists and that this user may use it`,
      cause: error,
    });
  }
  if (
    error instanceof RangeError &&
    /allocation|Invalid (typed )?array (buffer )?length/i.test(error.message)
  ) {
    return new CipherloomError('RESOURCE_LIMIT', `out of memory: ${error.message}`, {
      phase: 'cli',
      hint: 'use a machine with more memory, a smaller batch or --limit',
      cause: error,
    });
  }
  return new InternalError(error.message, { cause: error });
}

export function reportError(thrown: unknown): ErrorReport {
  const error = toCipherloomError(thrown);
  const source = error.cause instanceof Error ? error.cause : error;
  const { code, phase, node, message, details, hint, exit } = error;
  return { code, phase, node, message, details, hint, exit, stack: source.stack ?? null };
}

/** The one object of `--json`: {code, phase, node, message, details, hint}. */
export function errorJson(report: ErrorReport): string {
  const { code, phase, node, message, details, hint } = report;
  return JSON.stringify({ code, phase, node, message, details, hint });
}

export function errorText(report: ErrorReport, color: boolean): string {
  const { bold, cyan, dim, red } = pc.createColors(color);
  const lines = [`${red(bold(`error[${report.code}]`))}: ${bold(escapeControl(report.message))}`];
  const place = [
    ...(report.node === null ? [] : [escapeControl(report.node)]),
    ...(report.phase === null ? [] : [`phase: ${report.phase}`]),
  ];
  if (place.length > 0) lines.push(`  ${dim('-->')} ${place.join('     ')}`);
  const numbers = Object.entries(report.details)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, value]) => `${name} = ${String(value)}`);
  if (numbers.length > 0) lines.push(`  ${numbers.join(', ')}`);
  if (report.hint !== null) lines.push(`  ${cyan('help')}: ${escapeControl(report.hint)}`);
  if (Object.hasOwn(errorCodes, report.code)) {
    lines.push(`  ${dim('explain')}: cipherloom explain ${report.code}`);
  }
  return lines.join('\n');
}
