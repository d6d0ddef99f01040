import { existsSync } from 'node:fs';
import { z } from 'zod';
import { byteCount } from '../option-schemas.ts';
import { readBoundedFile } from '../read-file.ts';
import budgetSchema, { type BudgetFile } from '../schemas/budget.ts';
import { usageError } from '../usage-error.ts';
import { budgetFigures, type BudgetKey } from './budget-figures.ts';

/** Read without being asked for where it lies in the current folder. */
export const budgetFileName = 'cipherloom.budget.json';

const maxBudgetBytes = 2 ** 20;

/** A limit and where it was set. */
export interface GivenLimit {
  readonly limit: number;
  /** The flag, or the file and its key. */
  readonly option: string;
}

export interface GivenBudgets {
  /** Null where no file was read. */
  readonly file: string | null;
  readonly limits: ReadonlyMap<BudgetKey, GivenLimit>;
  readonly tolerances: Readonly<Record<string, number | undefined>>;
}

/**
 * The budgets of the command line over those of the file, limit by limit.
 *
 * `path` undefined is `cipherloom.budget.json` of the current folder, where there is one.
 * Throws  USAGE naming the key of the file; FILE_UNREADABLE
 */
export function readBudgets(
  path: string | undefined,
  flags: Readonly<Partial<Record<BudgetKey, number | undefined>>>,
): GivenBudgets {
  const file = path ?? (existsSync(budgetFileName) ? budgetFileName : null);
  const stated = file === null ? {} : readBudgetFile(file);
  const limits = new Map<BudgetKey, GivenLimit>();
  for (const { key, flag } of budgetFigures) {
    const typed = flags[key];
    const written = stated[key];
    if (typed !== undefined) limits.set(key, { limit: typed, option: flag });
    else if (written !== undefined)
      limits.set(key, { limit: limitOf(written, file!, key), option: `${String(file)}: ${key}` });
  }
  return { file, limits, tolerances: stated.tolerances ?? {} };
}

function readBudgetFile(path: string): BudgetFile {
  const text = new TextDecoder().decode(readBoundedFile(path, maxBudgetBytes));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`--budget ${path} is not JSON: ${reason}`, { option: '--budget', got: path });
  }
  const parsed = budgetSchema.schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const where = [...issue.path, ...(unknown === undefined ? [] : [unknown])].join('.');
  throw usageError(
    unknown === undefined
      ? `--budget ${path}: ${where || 'the document'}: ${issue.message}`
      : `--budget ${path}: there is no budget ${where}`,
    {
      option: '--budget',
      got: where,
      hint: `it may hold ${budgetFigures.map(({ key }) => key).join(', ')} and tolerances (schemas/budget.schema.json)`,
    },
  );
}

function limitOf(value: number | string, file: string, key: string): number {
  if (typeof value === 'number') return value;
  const parsed = z.safeParse(byteCount(), value);
  if (parsed.success) return parsed.data;
  throw usageError(
    `--budget ${file}: ${key}: ${parsed.error.issues[0]!.message}, got ${JSON.stringify(value)}`,
    { option: '--budget', got: value },
  );
}
