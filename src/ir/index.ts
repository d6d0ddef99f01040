/**
 * The intermediate representation, for people who work on the compiler.
 *
 * @module
 */
export { buildProgram, rewriteProgram } from './build.ts';
export { defineOp } from './define-op.ts';
export { interpret as evaluate } from './interpret.ts';
export { lookupOp, ops } from './ops.ts';
export { parseProgram as parseIr } from './parse.ts';
export { printProgram as printIr } from './print.ts';
export type { Operation, Program } from './program.ts';
export { verify } from './verify.ts';
