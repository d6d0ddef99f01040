/**
 * Most bytes of encoded constants that the native evaluator keeps from one execution to the next.
 *
 * They are worth keeping, but not at any price. By themselves, so that a server, which keeps as many
 * where the machine has the memory, loads nothing else of the compiler.
 */
export const nativeKeptBytes = 8_000_000_000;
