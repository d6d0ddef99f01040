/** When a request need not be answered any more. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CipherloomError } from '../../errors.ts';
import { RequestError } from '../request-error.ts';
import type { HttpContext } from './context.ts';

export interface UntilClosed extends Disposable {
  /** Fires when the client goes away, the deadline passes or the server must end. */
  readonly signal: AbortSignal;
}

/** Watch a request; dispose it when the request is answered. */
export function untilClosed(
  { raw: { socket } }: FastifyRequest,
  { raw }: FastifyReply,
  { limits: { deadlineMs }, ending }: HttpContext,
): UntilClosed {
  const controller = new AbortController();
  const leave = (): void => {
    if (raw.writableFinished) return;
    controller.abort(new RequestError('REQUEST_INVALID', 'the client went away', { status: 499 }));
  };
  const end = (): void => {
    controller.abort(
      new CipherloomError('SERVER_BUSY', 'the server is stopping', {
        phase: 'server',
        hint: 'send the request again, with the same id',
      }),
    );
  };
  const timer =
    deadlineMs === null
      ? undefined
      : setTimeout(() => {
          controller.abort(
            new CipherloomError(
              'DEADLINE_EXCEEDED',
              `there was no answer within ${deadlineMs} ms, waiting included`,
              {
                phase: 'server',
                details: { limit: deadlineMs },
                hint: 'send it again when the server is less busy',
              },
            ),
          );
        }, deadlineMs);
  socket.once('close', leave);
  ending.addEventListener('abort', end, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      socket.off('close', leave);
      ending.removeEventListener('abort', end);
    },
  };
}
