/** Answers by the id of their request, so that a request can be repeated without being evaluated again. */
import { RequestError } from '../request-error.ts';

/** Evaluates; the signal fires when nobody waits for the answer any more. */
export type Evaluate = (signal: AbortSignal) => Promise<Uint8Array>;

interface Answer {
  /** SHA-256 of the body, hex. */
  readonly body: string;
  readonly response: Promise<Uint8Array>;
  /** Those who wait; an evaluation that nobody waits for is stopped. */
  waiting: number;
  /** Of the response, once it is there. */
  bytes: number;
  readonly controller: AbortController;
}

export interface AnswerStoreOptions {
  /** Most bytes of responses that are kept; the oldest are forgotten first. */
  readonly maxBytes: number;
  /** Most ids that are kept. */
  readonly maxAnswers: number;
}

export class AnswerStore {
  readonly #options: AnswerStoreOptions;
  /** The oldest first. */
  readonly #answers = new Map<string, Answer>();
  #bytes = 0;

  constructor(options: AnswerStoreOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The answer to a request: the one that is stored or being made for its name, or a new one.
   *
   * A request that failed is forgotten, so that it can be sent again. Throws REQUEST_CONFLICT where the
   * name was used for another body, what `evaluate` throws, and the signal's reason.
   */
  async answer(
    name: string | null,
    body: string,
    evaluate: Evaluate,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (name === null) return evaluate(signal);
    const found = this.#answers.get(name);
    if (found !== undefined && found.body !== body) {
      throw new RequestError('REQUEST_CONFLICT', 'this id was used for another request', {
        status: 409,
        hint: 'use a new id for a new request',
      });
    }
    const answer = found ?? this.#begin(name, body, evaluate);
    return this.#wait(answer, signal);
  }

  #begin(name: string, body: string, evaluate: Evaluate): Answer {
    const controller = new AbortController();
    const response = evaluate(controller.signal);
    const answer: Answer = { body, response, waiting: 0, bytes: 0, controller };
    this.#answers.set(name, answer);
    response.then(
      ({ length }) => {
        if (this.#answers.get(name) !== answer) return;
        answer.bytes = length;
        this.#bytes += length;
        this.#forgetOldest();
      },
      () => {
        if (this.#answers.get(name) === answer) this.#answers.delete(name);
      },
    );
    controller.signal.addEventListener('abort', () => {
      if (this.#answers.get(name) === answer && answer.bytes === 0) this.#answers.delete(name);
    });
    return answer;
  }

  async #wait(answer: Answer, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    answer.waiting += 1;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = (): void => {
      answer.waiting -= 1;
      if (answer.waiting === 0) answer.controller.abort(signal.reason);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([answer.response, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #forgetOldest(): void {
    const { maxBytes, maxAnswers } = this.#options;
    for (const [name, { bytes }] of this.#answers) {
      if (this.#bytes <= maxBytes && this.#answers.size <= maxAnswers) return;
      // What is being made is not forgotten.
      if (bytes === 0) continue;
      this.#answers.delete(name);
      this.#bytes -= bytes;
    }
  }
}
