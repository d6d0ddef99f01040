export const ckksOps: AnyOp[] = []; import type { AnyOp } from '../define-op.ts';
