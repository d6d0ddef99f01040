import type { LayerRun } from '../protocol/layers/run-layers.ts';
import type { LayerError, WrongLayer } from '../protocol/layers/layer-errors.ts';
import { escapeTable } from './escape-table.ts';
import { bitText, numberText } from './figures.ts';
import { textTable } from './table.ts';

/** The table of `verify --layers`: bits to which each part of the error leaves a layer. */
export function layerPage(
  { layers, leftOut, escapes }: Pick<LayerRun, 'layers' | 'leftOut' | 'escapes'>,
  wrong: WrongLayer | null,
): string {
  const rows = layers.map((layer) => [
    layer.node,
    layer.op ?? '–',
    bitsOf(layer.approximation),
    bitsOf(layer.rangeEscape),
    bitsOf(layer.encoding),
    bitsOf(layer.noise),
    bitsOf(layer.predicted),
    bitsOf(layer.total),
    layer.node === wrong?.node ? `wrong: ${wrong.cause}` : '',
  ]);
  const head = [
    'layer',
    'operator',
    'approximation',
    'range escape',
    'encoding',
    'noise',
    'predicted',
    'total',
    '',
  ];
  return [
    textTable(
      [head, ...rows],
      ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
    ),
    'bits: −log2 of the error over the values of the layer, root mean squares; predicted: encoding and noise, simulated',
    ...(leftOut > 0 ? [`${leftOut} layers are left out: a client takes 64 outputs`] : []),
    '',
    ...(escapes.length === 0 ? [] : [escapeTable(escapes), '']),
    wrongText(wrong),
  ].join('\n');
}

function bitsOf(error: LayerError['approximation']): string {
  if (error === null) return '–';
  return error === 0 ? 'none' : bitText(-Math.log2(error)).replace(' bits', '');
}

function wrongText(wrong: WrongLayer | null): string {
  return wrong === null
    ? 'no layer goes wrong'
    : `the first layer that goes wrong is ${wrong.node}: ${wrong.cause}, an error of ${numberText(wrong.error)} of its values, more than ${numberText(wrong.limit)}`;
}
