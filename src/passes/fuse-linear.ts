/** Compose neighbouring linear operators into sparse matrices. */
import { invariant } from '../errors.ts';
import { buildProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import { identityMap } from '../ir/linear-map.ts';
import type { LinearMap } from '../ir/linear-map.ts';
import { broadcastMap } from '../ir/nn/broadcast.ts';
import { affineToAttributes } from '../ir/nn/linear.ts';
import { usersOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { sameShape, shapeOf } from '../ir/types.ts';
import type { Range } from '../ir/types.ts';
import { definePass } from './define-pass.ts';
import { affineOfOperation, mayCompose, sumForms, throughMap } from './linear/affine-form.ts';
import type { AffineForm } from './linear/affine-form.ts';
import { diagonalOf, isSelection } from './linear/compose-maps.ts';
import { isEnabled } from './optimisations.ts';
import { shrinkBroadcast, stackCoefficients } from './polynomial/coefficients.ts';
import { unsupportedNodes } from './unsupported-nodes.ts';
import type { WorkBudget } from './work-budget.ts';

/** What the packing passes know how to lower. */
const lowered = new Set(['nn.add', 'nn.input', 'nn.linear', 'nn.mul', 'nn.polynomial', 'nn.sub']);

/** A value of the old program: made already, or still a matrix that its users may take over. */
interface Fused {
  readonly operation: Operation;
  /** Null where it is no matrix, was made, or was read for the last time. */
  form: AffineForm | null;
  /** How many operations and outputs read it. */
  readonly readers: number;
  /** How many of them have not done so yet. */
  unread: number;
  value: ValueId | null;
  /** The value repeated to larger shapes, by shape: readers of one shape share it. */
  readonly wide: Map<string, Fused>;
}

export default definePass({
  name: 'fuse-linear',
  summary: 'Compose neighbouring linear operators into sparse matrices.',
  phase: 'nn',
  run(program, { options, work }) {
    const everything = isEnabled(options, 'fuse-linear');
    const taking: Taking = { everything, work };
    const builder = buildProgram(program.name, program);
    const users = usersOf(program);
    const fused: Fused[] = [];
    const of = (id: ValueId): Fused => {
      const value = fused[id];
      invariant(value !== undefined, 'operands come before their users');
      return value;
    };
    program.operations.forEach((operation, id) => {
      const outputs = program.outputs.filter((output) => output.value === id).length;
      const readers = (users[id]?.length ?? 0) + outputs;
      const form = formOf(program, operation, builder, of, taking);
      fused.push({ operation, form, readers, unread: readers, value: null, wide: new Map() });
      if (form === null) {
        const operands = operation.operands.map((operand) =>
          materialise(builder, widened(builder, of(operand), operation, work)),
        );
        const { attributes, location, type } = operation;
        of(id).value = builder.add(operation.op, operands, attributes, {
          location,
          range: type.range,
        });
      }
      for (const operand of new Set(operation.operands)) release(of(operand));
    });
    const result = builder.finish(
      program.outputs.map((output) => ({
        ...output,
        value: materialise(builder, of(output.value)),
      })),
    );
    const offenders = result.operations.filter(({ op }) => !lowered.has(op));
    if (offenders.length > 0) {
      throw unsupportedNodes(
        offenders,
        'they are neither linear nor polynomials',
        'cipherloom inspect MODEL says what each operator needs',
      );
    }
    return result;
  },
});

/** What decides whether a reader takes over the matrix of its operand, and what that may cost. */
interface Taking {
  readonly everything: boolean;
  readonly work: WorkBudget | undefined;
}

/** A reader is done: matrices that nobody reads any more are the largest things that a pass holds. */
function release(fused: Fused): void {
  fused.unread--;
  if (fused.unread > 0) return;
  fused.form = null;
  fused.wide.clear();
}

/** The operation as a matrix over values made already or taken over from its operands. */
function formOf(
  program: Program,
  operation: Operation,
  builder: ProgramBuilder,
  of: (id: ValueId) => Fused,
  { everything, work }: Taking,
): AffineForm | null {
  const affine = affineOfOperation(program, operation);
  if (affine === null) return null;
  if (operation.op === 'nn.add' || operation.op === 'nn.sub') {
    const operands = operation.operands.map(of);
    if (
      !operands.some((operand) => operand.readers === 1 && isProperlyLinear(operand, operation))
    ) {
      return sumWithOffsets(operation, operands, builder);
    }
  }
  const forms = affine.maps.map((map, k): AffineForm => {
    const operand = of(operation.operands[k] ?? -1);
    const { form } = operand;
    if (form !== null && operand.value === null && isTakenOver(operand, map, everything))
      return throughMap(map, form, work);
    return { terms: [{ operand: materialise(builder, operand), map }], bias: null };
  });
  return sumForms([...forms, { terms: [], bias: affine.bias }], work);
}

/**
 * Whether a reader composes with the operand instead of reading its value; two matrices of several
 * entries a row only where everything is fused.
 */
function isTakenOver(operand: Fused, map: LinearMap, everything: boolean): boolean {
  const { form, readers } = operand;
  if (form === null || !mayCompose(map, form)) return false;
  if (!everything && !isSelection(map) && form.terms.some((term) => !isSelection(term.map)))
    return false;
  if (readers === 1) return true;
  // A selection costs a reader nothing, so each may have its own and the level between is saved.
  const [term, ...others] = form.terms;
  return term !== undefined && others.length === 0 && isSelection(term.map);
}

/** Not yet made, and more than a factor and an offset of each element. */
function isProperlyLinear(operand: Fused, reader: Operation): boolean {
  const { form, value } = operand;
  if (form === null || value !== null)
    return !sameShape(shapeOf(operand.operation.type), shapeOf(reader.type));
  return form.terms.length > 1 || form.terms.some(({ map }) => !isElementwise(map));
}

function isElementwise(map: LinearMap): boolean {
  return sameShape(map.inShape, map.outShape) && diagonalOf(map) !== null;
}

/**
 * A sum of two values that no matrix makes: it stays a sum, which costs no level, and offsets of
 * its operands move behind it, where a matrix may take them.
 */
function sumWithOffsets(
  operation: Operation,
  operands: readonly Fused[],
  builder: ProgramBuilder,
): AffineForm | null {
  const offsets = operands.map((operand) => offsetOf(operand));
  if (offsets.every((offset) => offset === null)) return null;
  const sign = operation.op === 'nn.sub' ? -1 : 1;
  const values = operands.map((operand, k) => offsets[k]?.value ?? materialise(builder, operand));
  const [a, b] = offsets.map((offset) => offset?.bias ?? null);
  const size = (a ?? b)?.length ?? 0;
  const bias = Float64Array.from({ length: size }, (_, n) => (a?.[n] ?? 0) + sign * (b?.[n] ?? 0));
  const { location, type } = operation;
  const sum = builder.add(operation.op, values, operation.attributes, {
    location,
    range: shiftedRange(type.range, bias),
  });
  return { terms: [{ operand: sum, map: identityMap(shapeOf(type)) }], bias };
}

/** The value and offset of an operand that is a value plus an offset and has one reader. */
function offsetOf(
  operand: Fused,
): { readonly value: ValueId; readonly bias: Float64Array<ArrayBuffer> } | null {
  const { form, value, readers } = operand;
  if (form === null || value !== null || readers !== 1 || form.bias === null) return null;
  const [term, ...others] = form.terms;
  if (term === undefined || others.length > 0) return null;
  if (!sameShape(term.map.inShape, term.map.outShape)) return null;
  if (diagonalOf(term.map)?.every((factor) => factor === 1) !== true) return null;
  return { value: term.operand, bias: form.bias };
}

/** Bounds before an offset was added, from those after. */
function shiftedRange(range: Range | null, bias: Float64Array<ArrayBuffer>): Range | null {
  if (range === null) return null;
  let least = Infinity;
  let most = -Infinity;
  for (const value of bias) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return { lo: range.lo - most, hi: range.hi - least, source: range.source };
}

/** An operand of an elementwise operation, repeated to its shape. */
function widened(
  builder: ProgramBuilder,
  operand: Fused,
  reader: Operation,
  work: WorkBudget | undefined,
): Fused {
  const from = shapeOf(operand.operation.type);
  const to = shapeOf(reader.type);
  if (operationIsElementwisePair(reader) && !sameShape(from, to)) {
    const known = operand.wide.get(to.join());
    if (known !== undefined) return known;
    const map = broadcastMap(from, to, 1);
    const { form } = operand;
    const taken = form !== null && operand.value === null && isTakenOver(operand, map, true);
    const wide = taken
      ? throughMap(map, form, work)
      : { terms: [{ operand: materialise(builder, operand), map }], bias: null };
    const type = { ...operand.operation.type, shape: to };
    invariant(type.kind === 'tensor', 'nn operators work on tensors');
    const repeated = {
      operation: { ...operand.operation, type },
      form: wide,
      readers: 1,
      unread: 1,
      value: null,
      wide: new Map(),
    };
    operand.wide.set(to.join(), repeated);
    return repeated;
  }
  return operand;
}

function operationIsElementwisePair({ op }: Operation): boolean {
  return op === 'nn.add' || op === 'nn.sub' || op === 'nn.mul';
}

/** The value in the new program; made at its first reading. */
function materialise(builder: ProgramBuilder, fused: Fused): ValueId {
  fused.value ??= make(builder, fused);
  fused.form = null;
  return fused.value;
}

function make(builder: ProgramBuilder, { operation, form }: Fused): ValueId {
  invariant(form !== null, 'a value without a matrix is made where it stands');
  const shape = shapeOf(operation.type);
  const { location } = operation;
  const { range } = operation.type;
  const hint = location ?? operation.op.replace('nn.', '');
  const bias = form.bias?.some((value) => value !== 0) === true ? form.bias : null;
  const [only, ...others] = form.terms;
  if (only !== undefined && others.length === 0 && sameShape(only.map.inShape, shape)) {
    const diagonal = diagonalOf(only.map);
    if (bias === null && diagonal?.every((factor) => factor === 1) === true) return only.operand;
    if (diagonal?.some((factor) => factor !== 0) === true) {
      const factors = shrinkBroadcast({ shape, data: diagonal });
      const offset =
        bias === null
          ? { shape: [], data: new Float64Array(1) }
          : shrinkBroadcast({ shape, data: bias });
      const coefficients = builder.constant(
        stackCoefficients([offset, factors], shape),
        `${hint}.coefficients`,
      );
      return builder.add('nn.polynomial', [only.operand], { coefficients }, { location, range });
    }
  }
  const maps = form.terms.map(({ map }) => rounded(map));
  const attributes = affineToAttributes(builder, { maps, bias }, shape, hint);
  const operands = form.terms.map(({ operand }) => operand);
  return builder.add('nn.linear', operands, attributes, { location, range });
}

/** Weights in float32, the precision plans hold them in; the same map where they are already. */
function rounded(map: LinearMap): LinearMap {
  if (map.weights.every((weight) => weight === Math.fround(weight))) return map;
  return { ...map, weights: map.weights.map(Math.fround) };
}
