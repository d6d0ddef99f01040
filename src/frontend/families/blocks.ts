/** Images that SpaceToDepth and DepthToSpace rearrange. */
import type { DataValue, ImportContext } from '../define-importer.ts';

export function blockOf(context: Pick<ImportContext, 'data' | 'invalid'>): {
  readonly x: DataValue;
  readonly batch: number;
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
} {
  const x = context.data(0);
  const [batch, channels, rows, columns, ...rest] = x.shape;
  if (
    batch === undefined ||
    channels === undefined ||
    rows === undefined ||
    columns === undefined ||
    rest.length > 0
  ) {
    return context.invalid(`[${x.shape.join(',')}] is not [batch, channels, rows, columns]`);
  }
  return { x, batch, channels, rows, columns };
}
