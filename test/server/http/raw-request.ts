/** HTTP as no client library sends it. */
import { connect } from 'node:net';

export interface RawAnswer {
  /** 0 where the connection was closed without an answer. */
  readonly status: number;
  readonly text: string;
  /** Whether the server closed the connection. */
  readonly closed: boolean;
}

/** Send pieces, with a pause after each, and read until the server closes or nothing comes for a while. */
export function rawRequest(
  url: string,
  pieces: readonly (string | Uint8Array)[],
  { pauseMs = 0, quietMs = 1000 }: { readonly pauseMs?: number; readonly quietMs?: number } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  let closed = false;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let quiet = setTimeout(resolve, 60_000, undefined);
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    clearTimeout(quiet);
    quiet = setTimeout(resolve, quietMs, undefined);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    resolve(undefined);
  });
  const send = async (): Promise<void> => {
    for (const piece of pieces) {
      if (closed) return;
      socket.write(piece);
      await new Promise((next) => setTimeout(next, pauseMs));
    }
  };
  void send();
  return promise.then(() => {
    clearTimeout(quiet);
    socket.destroy();
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text, closed };
  });
}
