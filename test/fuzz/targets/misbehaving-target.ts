/** A target with a fault that the fuzzer has to find; which one stands in the environment. */
import { CipherloomError, InternalError } from '../../../src/errors.ts';

const kept: Uint8Array[] = [];

const faults: Readonly<Record<string, () => unknown>> = {
  none: () => {
    throw new CipherloomError('MODEL_INVALID', 'refused, as it should be');
  },
  crash: () => {
    throw new TypeError('not a function');
  },
  internal: () => {
    throw new InternalError('a broken invariant');
  },
  escape: () => {
    throw new CipherloomError('MODEL_INVALID', 'a name with \u001b[2J in it');
  },
  prototype: () => Object.defineProperty(Object.prototype, 'polluted', { value: 1 }),
  exit: () => process.exit(9),
  hang: () => {
    // Processor time: a busy machine may give little of it in a second.
    const used = (): number => process.cpuUsage().user + process.cpuUsage().system;
    const end = used() + 1_000_000;
    let spins = 0;
    while (spins % 100_000 !== 0 || used() < end) spins++;
    return spins;
  },
  memory: () => kept.push(new Uint8Array(2 ** 29).fill(1)),
};

/** The worker warms up with `whole` false. */
export default function misbehave(_bytes: Uint8Array, whole: boolean): unknown {
  return whole ? faults[process.env.CIPHERLOOM_FUZZ_FAULT ?? 'none']!() : null;
}
