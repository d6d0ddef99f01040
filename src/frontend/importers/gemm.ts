import { broadcastTo } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { addConstant, multiplyByConstant } from '../families/arithmetic.ts';
import { contract } from '../families/contraction.ts';
import { attribute, defineImporter } from '../define-importer.ts';
import type { DataValue, ImportContext, NodeValue } from '../define-importer.ts';
import { flag, float } from '../families/attribute-schemas.ts';
import { multiplied, scaled, transposed } from '../families/matrices.ts';

export default defineImporter({
  operator: 'Gemm',
  summary: 'alpha · A′ · B′ + beta · C: with one constant matrix, a dense layer.',
  inputs: [
    { name: 'A', doc: '[m, k], or [k, m] with transA', form: 'either' },
    { name: 'B', doc: '[k, n], or [n, k] with transB', form: 'either' },
    { name: 'C', doc: 'bias that broadcasts to [m, n]', form: 'either', optional: true },
  ],
  attributes: {
    alpha: attribute(float.default(1), 'factor of the product'),
    beta: attribute(float.default(1), 'factor of C'),
    transA: attribute(flag.default(false), 'whether A is transposed'),
    transB: attribute(flag.default(false), 'whether B is transposed'),
    broadcast: attribute(flag.default(false), 'whether C broadcasts; it may', { until: 6 }),
  },
  lowersTo:
    '`nn.dense` with alpha and beta folded into the weights and the bias; `nn.transpose` where a transposed matrix is data.',
  notes: [
    'Where both A and B are encrypted, `nn.mul` and `nn.linear` take the place of `nn.dense`.',
  ],
  import(context) {
    const [a, b, c] = context.inputs;
    const { alpha, beta, transA, transB } = context.attributes;
    for (const input of [a, b]) {
      const shape = input?.kind === 'data' ? input.shape : (input?.tensor.shape ?? []);
      if (shape.length !== 2) context.invalid(`[${shape.join(',')}] is not a matrix`, { shape });
    }
    if (a?.kind === 'constant' && b?.kind === 'constant') {
      const left = transA ? transposed(a.tensor) : a.tensor;
      const right = transB ? transposed(b.tensor) : b.tensor;
      const product = multiplied(left, right);
      if (product === null) {
        return context.invalid(
          `[${left.shape.join(',')}] and [${right.shape.join(',')}] do not multiply`,
        );
      }
      const factor = { shape: [], data: Float64Array.of(beta) };
      const offset = multiplyByConstant(context.data(2), factor, context);
      return addConstant(offset, scaled(product, alpha), context);
    }
    if (a?.kind === 'data' && b?.kind === 'data') {
      const product = contract(
        [
          { value: a, labels: transA ? ['k', 'm'] : ['m', 'k'] },
          { value: b, labels: transB ? ['n', 'k'] : ['k', 'n'] },
        ],
        [],
        ['m', 'n'],
        context,
      );
      const factor = { shape: [], data: Float64Array.of(alpha) };
      return plusC(multiplyByConstant(product, factor, context), c, beta, context);
    }
    const flip = (x: DataValue): DataValue =>
      context.add('nn.transpose', [x], { permutation: [1, 0] });

    // Data on the right: (A B)ᵀ = Bᵀ Aᵀ.
    const mirrored = a?.kind === 'constant';
    const data = context.data(mirrored ? 1 : 0);
    const turnData = mirrored ? !transB : transA;
    const matrix = context.constant(mirrored ? 0 : 1).tensor;
    const turnMatrix = mirrored ? !transA : transB;
    const x = turnData ? flip(data) : data;
    const weights = scaled(turnMatrix ? transposed(matrix) : matrix, alpha);
    const columns = weights.shape[1] ?? 1;
    const bias = !mirrored && c?.kind === 'constant' ? rowBias(c.tensor, columns) : null;
    let y = context.add('nn.dense', [x], {
      weights: context.reference(weights, `${context.name}.weights`),
      bias: bias === null ? null : context.reference(scaled(bias, beta), `${context.name}.bias`),
    });
    if (mirrored) y = flip(y);
    return bias === null ? plusC(y, c, beta, context) : y;
  },
});

/** y + beta · C. */
function plusC(
  y: DataValue,
  c: NodeValue | undefined,
  beta: number,
  context: ImportContext,
): DataValue {
  if (c === undefined) return y;
  const { shape } = c.kind === 'data' ? c : c.tensor;
  const fits =
    shape.length <= 2 &&
    shape.every((extent, k) => extent === 1 || extent === y.shape[k + 2 - shape.length]);
  if (!fits) {
    context.invalid(`C [${shape.join(',')}] does not broadcast to [${y.shape.join(',')}]`, {
      C: shape,
      product: y.shape,
    });
  }
  if (c.kind === 'constant') return addConstant(y, scaled(c.tensor, beta), context);
  const factor = { shape: [], data: Float64Array.of(beta) };
  return context.add('nn.add', [y, multiplyByConstant(c, factor, context)]);
}

/** C as one bias per column, or null where it differs by row. */
function rowBias(c: Tensor, columns: number): Tensor | null {
  const shape = c.shape.length === 2 && c.shape[0] === 1 ? c.shape.slice(1) : c.shape;
  const perColumn =
    shape.length === 0 || (shape.length === 1 && (shape[0] === 1 || shape[0] === columns));
  return perColumn ? broadcastTo({ shape, data: c.data }, [columns]) : null;
}
