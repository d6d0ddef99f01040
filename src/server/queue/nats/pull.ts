/** Takes one job out of a part of the queue. */
import type { NatsConnection } from '@nats-io/transport-node';
import { consumerName, names } from './names.ts';

/** NATS waits for what a consumer does with a message, and delivers it again if it hears nothing. */
export interface Delivery {
  readonly data: Uint8Array;
  readonly plan: string;
  readonly part: number;
  /** From 1; how often the job was handed out. */
  readonly delivery: number;
  /** It is done and leaves the queue. Waits until NATS has noted it. */
  acknowledge(): Promise<void>;
  /** It goes on: NATS waits for as long again. */
  goesOn(): void;
  /** It failed: hand it out again after so many milliseconds. */
  putBack(delayMs: number): void;
}

const requestMs = 5_000;
const text = new TextEncoder();

/**
 * The next job of a part, or null where none waits.
 *
 * The request of JetStream's protocol itself: the client library's `fetch` with `no_wait` does not
 * return from an empty queue of NATS 2.9.
 */
export async function pullJob(
  nc: NatsConnection,
  plan: string,
  part: number,
): Promise<Delivery | null> {
  const message = await nc.request(
    `$JS.API.CONSUMER.MSG.NEXT.${names.jobs}.${consumerName(plan, part)}`,
    JSON.stringify({ batch: 1, no_wait: true }),
    // Messages come under their own subject, which the shared inbox would not recognise.
    { timeout: requestMs, noMux: true },
  );
  const { reply, data } = message;
  // A status: 404 for none, 409 for a consumer that cannot answer now.
  if (reply?.startsWith('$JS.ACK.') !== true) return null;
  return {
    data,
    plan,
    part,
    delivery: deliveryOf(reply),
    acknowledge: async () => {
      await nc.request(reply, text.encode('+ACK'), { timeout: requestMs });
    },
    goesOn: () => {
      nc.publish(reply, text.encode('+WPI'));
    },
    putBack: (delayMs) => {
      nc.publish(reply, text.encode(`-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}`));
    },
  };
}

/** How often a message was delivered stands in its reply subject, in one of two forms. */
export function deliveryOf(reply: string): number {
  const tokens = reply.split('.');
  // $JS.ACK.stream.consumer.delivered.…, or $JS.ACK.domain.account.stream.consumer.delivered.…
  const delivered = Number(tokens[tokens.length > 9 ? 6 : 4]);
  return Number.isInteger(delivered) && delivered > 0 ? delivered : 1;
}
