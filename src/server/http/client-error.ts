/** Connections that carry no HTTP request, or none in time: Node tells of them without a request. */
import type { Socket } from 'node:net';
import type { ErrorBody } from './error-reply.ts';

interface Answer {
  readonly status: string;
  readonly error: string;
}

function answerTo({ code, rawPacket }: NodeJS.ErrnoException & { rawPacket?: Buffer }): Answer {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: '408 Request Timeout', error: 'the request did not arrive in time' };
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    // Without an end of the first line, it is the address that is too long.
    return rawPacket?.includes('\n') === false
      ? { status: '414 URI Too Long', error: 'the address is too long' }
      : { status: '431 Request Header Fields Too Large', error: 'the headers are too large' };
  }
  return { status: '400 Bad Request', error: `this is not HTTP (${code ?? 'unknown'})` };
}

/** Answer in the form of every error, and close the connection. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, error: message } = answerTo(error);
  const body = JSON.stringify({
    error: message,
    code: status.startsWith('408') ? 'DEADLINE_EXCEEDED' : 'REQUEST_INVALID',
    hint: 'see docs/service.md',
  } satisfies ErrorBody);
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
