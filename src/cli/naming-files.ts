import { CipherloomError, type ErrorCode } from '../errors.ts';

/** The file that an error of this code is about. */
type Files = Readonly<Partial<Record<ErrorCode, string>>>;

/**
 * The library checks bytes and does not know where they came from; the user gave several files and
 * has to hear which one is bad.
 */
function named(error: unknown, files: Files): unknown {
  if (!(error instanceof CipherloomError)) return error;
  const file = files[error.code];
  if (file === undefined || error.message.includes(file)) return error;
  return new CipherloomError(error.code, `${file}: ${error.message}`, {
    ...(error.phase === null ? {} : { phase: error.phase }),
    node: error.node ?? file,
    details: { ...error.details, file },
    hint: error.hint ?? undefined,
    cause: error.cause ?? error,
  });
}

/** Run `act`; put the file's name into what it throws. */
export function namingFiles<T>(files: Files, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw named(error, files);
  }
}

/** The same for what takes time. */
export async function namingFilesLater<T>(files: Files, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw named(error, files);
  }
}
