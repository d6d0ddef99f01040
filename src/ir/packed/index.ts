export const packedOps: AnyOp[] = []; import type { AnyOp } from '../define-op.ts';
