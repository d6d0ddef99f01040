/** The log: one JSON object a line on stderr, without bodies, headers or addresses. */
import { destination, pino } from 'pino';
import type { Logger } from 'pino';

export function makeLogger(level: string): Logger {
  // Straight to the file descriptor: the command's thread has no stderr of its own.
  return pino(
    { level, base: null, redact: ['req.headers', 'req.remoteAddress', 'req.url'] },
    destination({ dest: 2, sync: true }),
  );
}
