/** Answers by the names of their jobs: the first one that is stored is the answer. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { CipherloomError } from '../../../errors.ts';
import { RequestError } from '../../request-error.ts';
import type { JetStreamConnection } from './connection.ts';
import { answerMessage } from './messages.ts';
import type { AnswerMessage } from './messages.ts';
import { names, subjects } from './names.ts';
import { digestOf, getObject, requireDigest } from './stored-objects.ts';

const wrongSequence = 10071;

export interface StoredAnswer {
  readonly answer: AnswerMessage;
  readonly sequence: number;
}

/** The answer to a job, or null while there is none. */
export async function readAnswer(
  { jsm }: JetStreamConnection,
  name: string,
): Promise<StoredAnswer | null> {
  const message = await jsm.streams.getMessage(names.answers, {
    last_by_subj: subjects.answer(name),
  });
  if (message === null) return null;
  return { answer: answerMessage.decode(message.data), sequence: message.seq };
}

/**
 * Store the answer to a job unless there is one.
 *
 * NATS compares and stores in one step: of two workers that evaluated the same job one is the first.
 */
export async function storeAnswer(
  { js }: JetStreamConnection,
  answer: AnswerMessage,
): Promise<'stored' | 'answered before'> {
  return (await publishFirst(js, subjects.answer(answer.name), answerMessage.encode(answer)))
    ? 'stored'
    : 'answered before';
}

/** Publish unless the stream holds a message of this subject; whether it was. */
export async function publishFirst(
  js: JetStreamConnection['js'],
  subject: string,
  data: Uint8Array,
): Promise<boolean> {
  try {
    await js.publish(subject, data, { expect: { lastSubjectSequence: 0 } });
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === wrongSequence) return false;
    throw error;
  }
}

/** The response that an answer names. Throws the error that it holds; NOT_FOUND for an expired response. */
export async function responseOf(
  connection: JetStreamConnection,
  { result }: AnswerMessage,
): Promise<Uint8Array<ArrayBuffer>> {
  if (result.kind === 'error') {
    const { code, message, details, hint } = result.error;
    const context = { phase: 'server' as const, details, hint: hint ?? undefined };
    throw code === 'JOB_FAILED'
      ? new RequestError(code, message, { ...context, status: 500 })
      : new CipherloomError(code, message, context);
  }
  const found = await getObject(connection, names.responses, result.response);
  const [response] = found ?? [];
  if (response !== undefined) {
    requireDigest(result.response, digestOf([response]));
    return response;
  }
  throw new RequestError('NOT_FOUND', 'the answer to this request has expired', {
    status: 410,
    hint: 'send the request again with a new id',
  });
}
