/** A connection to NATS that outlives restarts of its server. */
import { readFile } from 'node:fs/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { CipherloomError } from '../../../errors.ts';

export interface NatsOptions {
  /** `nats://host:port`, several with commas; `tls://` for TLS; user and password may stand in it. */
  readonly url: string;
  /** A `.creds` file of NATS. */
  readonly credentials?: string | undefined;
  /** Shown by NATS for this connection. */
  readonly name: string;
}

export interface JetStreamConnection {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

/** Of each request to JetStream. */
const requestMs = 5_000;

/** Throws QUEUE_UNAVAILABLE, FILE_UNREADABLE, USAGE. */
export async function openConnection(options: NatsOptions): Promise<JetStreamConnection> {
  const { servers, user, pass, tls } = readUrl(options.url);
  const { credentials, name } = options;
  const authenticator =
    credentials === undefined ? undefined : credsAuthenticator(await readCredentials(credentials));
  try {
    const nc = await connect({
      servers,
      name,
      timeout: requestMs,
      // For ever: what waits ends by deadlines of its own.
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      // A server that is gone without a word is noticed after twice this.
      pingInterval: 10_000,
      ...(user === undefined ? {} : { user, pass }),
      ...(tls ? { tls: {} } : {}),
      ...(authenticator === undefined ? {} : { authenticator }),
    });
    return {
      nc,
      js: jetstream(nc, { timeout: requestMs }),
      jsm: await jetstreamManager(nc, { timeout: requestMs }),
    };
  } catch (cause) {
    const where = servers.join(', ');
    throw new CipherloomError(
      'QUEUE_UNAVAILABLE',
      `no NATS server with JetStream at ${where}: ${messageOf(cause)}`,
      {
        phase: 'server',
        node: where,
        cause,
        hint: 'start one: nats-server --jetstream --store_dir FOLDER (docs/scale.md)',
      },
    );
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws USAGE. */
export function readUrl(text: string): {
  readonly servers: readonly string[] & string[];
  readonly user?: string;
  readonly pass?: string;
  readonly tls: boolean;
} {
  const urls = text.split(',').map((part) => (URL.canParse(part) ? new URL(part) : null));
  const [first] = urls;
  if (
    first === null ||
    first === undefined ||
    !urls.every((url) => url !== null && /^(nats|tls):$/.test(url.protocol) && url.host !== '')
  ) {
    throw new CipherloomError('USAGE', `--queue ${JSON.stringify(hidden(text))} is no queue`, {
      phase: 'cli',
      hint: '--queue local, or --queue nats://HOST:4222 (several servers with commas)',
    });
  }
  return {
    servers: urls.flatMap((url) => (url === null ? [] : [url.host])),
    ...(first.username === ''
      ? {}
      : { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) }),
    tls: first.protocol === 'tls:',
  };
}

/** Without a password. */
function hidden(text: string): string {
  return text.replace(/:\/\/[^@/]*@/g, '://…@');
}

async function readCredentials(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CipherloomError('FILE_UNREADABLE', `cannot open ${path}`, {
      phase: 'cli',
      node: path,
      cause,
      hint: 'give the .creds file that nsc wrote (--queue-credentials)',
    });
  }
}
