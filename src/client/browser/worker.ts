/**
 * The worker of `BrowserClient`: keys, encryption and requests run here, beside the page.
 *
 * Load it as a module worker. Its own Content-Security-Policy, that of the response it came with, has
 * to allow `script-src 'self' 'wasm-unsafe-eval'` and `connect-src` with the server.
 *
 * @module
 */
import { CipherloomError } from '../../errors.ts';
import type { BrowserResult, CallName, PageMessage, SentError, WorkerMessage } from './messages.ts';
import { WorkerSession } from './worker-session.ts';

/** The global of a worker; its types are not those of pages. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<PageMessage>) => void) | null;
  postMessage(message: WorkerMessage, transfer: readonly ArrayBuffer[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const session = new WorkerSession();
const running = new Map<number, AbortController>();

scope.onmessage = ({ data }) => {
  if (data.kind === 'abort') {
    running.get(data.id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(data.id, controller);
  void answer(data, controller.signal).finally(() => running.delete(data.id));
};

async function answer(
  call: Extract<PageMessage, { kind: 'call' }>,
  signal: AbortSignal,
): Promise<void> {
  const { id, name } = call;
  const report = (progress: unknown): void => {
    scope.postMessage({ kind: 'progress', id, progress }, []);
  };
  // The message types pair each name with its request; TypeScript does not follow that through an index.
  const run = session[name].bind(session) as (
    request: unknown,
    report: (progress: unknown) => void,
    signal: AbortSignal,
  ) => Promise<unknown>;
  try {
    const result = await run(call.request, report, signal);
    scope.postMessage({ kind: 'done', id, result }, buffersOf(name, result));
  } catch (error) {
    scope.postMessage({ kind: 'failed', id, error: describe(error) }, []);
  }
}

/** Ciphertexts go to the page without a copy. */
function buffersOf(name: CallName, result: unknown): ArrayBuffer[] {
  if (name !== 'infer') return [];
  const { request, response } = result as BrowserResult;
  return [request.buffer, response.buffer];
}

function describe(error: unknown): SentError {
  if (error instanceof CipherloomError) {
    const { code, name, message, phase, node, details, hint } = error;
    return { code, name, message, phase, node, details, hint };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { code: null, name, message, phase: null, node: null, details: {}, hint: null };
}
