/** Programs from files: a module is imported, so its code runs with the rights of this process. */
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CipherloomError } from '../../errors.ts';
import { quoted } from '../printable.ts';
import { firstSite } from './call-site.ts';
import { programBrand } from './define-program.ts';
import type { DefinedProgram } from './define-program.ts';
import { resolveForPrograms } from './module-hooks.ts';

/** How Node reads each kind of file; types are stripped, never compiled. */
const formats: Readonly<Record<string, string>> = {
  '.js': 'module',
  '.mjs': 'module',
  '.mts': 'module-typescript',
  '.ts': 'module-typescript',
};

/** Whether a file is a program rather than an ONNX model, by its name. */
export function isProgramFile(path: string): boolean {
  return Object.hasOwn(formats, extname(path).toLowerCase());
}

/**
 * Load the program that a file exports: the default export, else the only program among the named
 * ones, else the one called `exportName`.
 *
 * The file's code runs. `cipherloom` and `cipherloom/…` are this installation, wherever the file is.
 * Throws  PROGRAM_INVALID with the line, for syntax that is no TypeScript or cannot be stripped
 *         (enum, namespace, parameter properties), code that throws, and exports that are no program
 */
export async function loadProgram(path: string, exportName?: string): Promise<DefinedProgram> {
  const url = pathToFileURL(path).href;
  using _ = resolveForPrograms(url, formats[extname(path).toLowerCase()] ?? 'module');
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw loadError(path, error);
  }
  return chosen(path, exports, exportName);
}

/** Run the function of a program; what it throws gets a line of the program's file. */
export function programFault(program: DefinedProgram, error: unknown): CipherloomError {
  if (error instanceof CipherloomError) return error;
  const [file = ''] = program.location.split(':');
  return invalid(file, thrown(error), siteOf(error) ?? program.location, error);
}

function isProgram(value: unknown): value is DefinedProgram {
  return typeof value === 'object' && value !== null && programBrand in value;
}

function chosen(
  path: string,
  exports: Readonly<Record<string, unknown>>,
  exportName: string | undefined,
): DefinedProgram {
  const programs = Object.keys(exports).filter((name) => isProgram(exports[name]));
  const list = programs.length === 0 ? 'no program' : `the programs ${programs.join(', ')}`;
  if (exportName !== undefined) {
    const named = Object.hasOwn(exports, exportName) ? exports[exportName] : undefined;
    if (isProgram(named)) return named;
    throw invalid(path, `it exports ${list}, none called ${quoted(exportName)}`, null, undefined, {
      hint: programs.length === 0 ? undefined : `--program ${programs[0]!}`,
    });
  }
  const fallback = exports['default'];
  if (isProgram(fallback)) return fallback;
  const [only, ...others] = programs;
  if (only !== undefined && others.length === 0) return exports[only] as DefinedProgram;
  if (only !== undefined) {
    throw invalid(path, `it exports ${list}`, null, undefined, { hint: `--program ${only}` });
  }
  const reason =
    fallback === undefined
      ? 'it exports no program'
      : 'its default export was not made by defineProgram';
  throw invalid(path, reason, null, undefined, {
    hint: "export default defineProgram('name', ({ input }) => …), from cipherloom/dsl",
  });
}

function invalid(
  path: string,
  reason: string,
  site: string | null,
  cause?: unknown,
  more: { readonly hint?: string | undefined } = {},
): CipherloomError {
  return new CipherloomError('PROGRAM_INVALID', `${site ?? path}: ${reason}`, {
    phase: 'frontend',
    node: site ?? path,
    ...more,
    cause,
  });
}

/** What went wrong while a module was read, linked or run. */
function loadError(path: string, error: unknown): CipherloomError {
  if (error instanceof CipherloomError) return error;
  const code = codeOf(error);
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ENOENT') {
    return invalid(path, thrown(error), null, error, {
      hint: 'check the path, or install the package beside the program',
    });
  }
  const hint =
    code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
      ? 'types are stripped, not compiled: write a union of literals for an enum, a module for a namespace, fields for parameter properties'
      : undefined;
  return invalid(path, thrown(error), siteOf(error), error, { hint });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function thrown(error: unknown): string {
  if (!(error instanceof Error)) return `it throws ${String(error)}`;
  return error instanceof SyntaxError ? error.message : `${error.name}: ${error.message}`;
}

/** The line that an error is about: syntax errors begin with it, others were thrown there. */
function siteOf(error: unknown): string | null {
  if (!(error instanceof Error) || error.stack === undefined) return null;
  const [first = ''] = error.stack.split('\n');
  const [, place, line] = /^(?:file:\/\/)?(.*[\\/][^\\/]*):(\d+)$/.exec(first) ?? [];
  if (place !== undefined) return `${place.replace(/^.*[\\/]/, '')}:${line ?? ''}`;
  return firstSite(error.stack);
}
