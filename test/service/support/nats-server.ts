/** A NATS server of a test's own, in a folder of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface NatsServerOptions {
  readonly port?: number;
  /** Further words of its command line. */
  readonly words?: readonly string[];
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, with what it stored. */
  start(): Promise<void>;
}

/**
 * Start the `nats-server` on the path, or the one that NATS_SERVER names.
 *
 * Throws where there is none: these tests do not pass without.
 */
export async function startNatsServer({
  port: asked,
  words = [],
}: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'cipherloom-nats-'));
  const port = asked ?? (await freePort());
  const program = process.env.NATS_SERVER ?? 'nats-server';
  let server: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const started = spawn(
      program,
      [
        ...['--jetstream', '--store_dir', folder, '--addr', '127.0.0.1', '--port', String(port)],
        ...words,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    started.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
      if (log.includes('Server is ready')) resolve(undefined);
    });
    started.on('error', (error) => {
      reject(
        new Error(
          `cannot start ${program}: ${error.message}; apt install nats-server, or go install github.com/nats-io/nats-server/v2@latest`,
        ),
      );
    });
    started.on('exit', (code) => {
      reject(new Error(`${program} ended with ${String(code)}: ${log}`));
    });
    await promise;
    server = started;
  };
  const kill = async (): Promise<void> => {
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
    await sleep(50);
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
