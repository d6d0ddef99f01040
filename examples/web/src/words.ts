/** Numbers and errors in words. */

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(0)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function secondsText(seconds: number): string {
  return seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`;
}

/** What went wrong and what to do; errors of cipherloom say both. */
export function errorWords(error: unknown): {
  readonly what: string;
  readonly todo: string | null;
} {
  if (!(error instanceof Error)) return { what: String(error), todo: null };
  const { hint } = error as { readonly hint?: unknown };
  const what = error.message.charAt(0).toUpperCase() + error.message.slice(1);
  return { what, todo: typeof hint === 'string' && hint !== '' ? `What to do: ${hint}.` : null };
}
