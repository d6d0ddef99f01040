/** A limit on work that may be given up: counted, never timed, so that it ends at the same place everywhere. */

/** What a compilation may still do; passes announce work before they do it. */
export interface WorkBudget {
  /** Steps of about a nanosecond: a product and a sum is one. Throws WorkExceeded. */
  readonly spend: (steps: number) => void;
  /** Memory that one step holds at once, in bytes. Throws WorkExceeded. */
  readonly hold: (bytes: number) => void;
}

/** The budget is used up: no error of the model, and none of the compiler. */
export class WorkExceeded extends Error {
  override readonly name = 'WorkExceeded';
}

/** A budget of so many steps in all, and so many bytes at any time. */
export function limitedWork(limits: {
  readonly steps: number;
  readonly bytes: number;
}): WorkBudget {
  let left = limits.steps;
  return {
    spend(steps) {
      left -= steps;
      if (left < 0) throw new WorkExceeded(`${limits.steps} steps of work are done`);
    },
    hold(bytes) {
      if (bytes > limits.bytes) {
        throw new WorkExceeded(`${bytes} bytes are needed at once, ${limits.bytes} are allowed`);
      }
    },
  };
}
