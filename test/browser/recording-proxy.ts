/** Everything that goes between a page and a server, byte by byte, and a way to hold it up. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  /** All bytes that the page sent. */
  readonly sent: () => Buffer;
  /** Let this many more bytes of the page through, then none; `Infinity` opens it again. */
  readonly allow: (bytes: number) => void;
}

export async function recordingProxy(target: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  let allowed = Infinity;
  const server = createServer((page) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [page, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        page.destroy();
        upstream.destroy();
      });
    }
    upstream.pipe(page);
    page.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      allowed -= chunk.length;
      if (allowed >= 0) upstream.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => Buffer.concat(chunks),
    allow: (bytes) => {
      allowed = bytes;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
