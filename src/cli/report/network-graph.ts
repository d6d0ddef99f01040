import type { PlanLayer } from '../../backend/report/plan-layers.ts';
import { printable } from '../../frontend/printable.ts';
import { shapeText } from '../text/figures.ts';
import { html, type Markup } from './html.ts';
import { shortenRows } from './shorten-rows.ts';

/** Pixels: fits a telephone's width, and text keeps its size on every screen. */
const width = 312;
const boxHeight = 66;
const gap = 18;
const laneWidth = 9;
const mostLanes = 4;
/** Boxes of a picture; more are left out in the middle. */
const mostBoxes = 120;
/** Pixels of the row of levels. */
const levelsWidth = 118;

export interface GraphForm {
  /** Levels of a fresh ciphertext. */
  readonly levels: number;
  /** By node, what an activation became. */
  readonly polynomials: ReadonlyMap<string, string>;
  readonly outputs: readonly string[];
  /** What the client does after decryption. */
  readonly steps: readonly string[];
}

/** A coloured square of the legend. */
export function swatch(kind: string): Markup {
  return html`<svg width="12" height="12" aria-hidden="true" focusable="false">
    <rect class="${kind}" width="12" height="12" rx="2" />
  </svg>`;
}

interface Box {
  /** Number of the layer; null for what is no layer. */
  readonly layer: number | null;
  readonly kind: string;
  readonly title: string;
  readonly text: string;
  /** The row of levels; null where there is none. */
  readonly levels: Markup | null;
}

/** The layers from top to bottom, with what each reads. */
export function networkGraph(layers: readonly PlanLayer[], form: GraphForm): Markup {
  const { first, last, leftOut } = shortenRows(
    layers.map((layer, k) => layerBox(layer, k, form)),
    mostBoxes,
  );
  const boxes: Box[] = [
    ...first,
    ...(leftOut > 0 ? [plainBox(`… ${leftOut} layers more …`, 'their figures: report.json')] : []),
    ...last,
    {
      ...plainBox(
        form.outputs.map(printable).join(', '),
        form.steps.length === 0
          ? 'decrypted by the client'
          : `decrypted; client: ${form.steps.join(', ')}`,
      ),
      kind: 'output',
    },
  ];
  const edges = edgesOf(boxes, layers);
  const lanes = assignLanes(edges.filter(({ from, to }) => to > from + 1));
  const used = Math.max(0, ...lanes.map(({ lane }) => lane + 1));
  const left = used === 0 ? 0 : used * laneWidth + 8;
  const height = boxes.length * (boxHeight + gap) - gap;
  const title = `The network: ${layers.length} layers, from level ${form.levels} down to ${layers.at(-1)?.level ?? 0}`;
  return html`<svg width="${width}" height="${height}" role="img" aria-labelledby="graph-title">
    <title id="graph-title">${title}; the tables below hold the figures of every layer.</title>
    ${lanes.map((edge) => laneEdge(edge, left))}${edges.filter(({ from, to }) => to === from + 1).map(({ to }) => straightEdge(to, left))}${boxes.map((box, row) => drawBox(box, row, left))}
  </svg> `;
}

function layerBox(layer: PlanLayer, index: number, form: GraphForm): Box {
  const { kind, shape, ciphertexts, level, levelBefore, scaleBits } = layer;
  const polynomial = form.polynomials.get(layer.name);
  const what =
    polynomial ?? (kind === 'product' ? 'polynomial' : kind === 'linear' ? 'linear map' : kind);
  const many = ciphertexts === 1 ? '' : ` × ${ciphertexts} ciphertexts`;
  return {
    layer: index,
    kind,
    title: layer.name,
    text: `${what} ${shapeText(shape)}${many}`,
    levels: html`${levelCells(form.levels, level, levelBefore)}<text
        class="faint"
        x="${24 + levelsWidth}"
        y="55"
        font-size="12"
        >level ${level}, scale 2^${Math.round(scaleBits)}</text
      >`,
  };
}

function plainBox(title: string, text: string): Box {
  return { layer: null, kind: 'sum', title, text, levels: null };
}

/** One cell a level: left in the result, used here, used before. */
function levelCells(levels: number, level: number, before: number): Markup {
  const pitch = Math.min(13, levelsWidth / Math.max(1, levels));
  const cell = Math.max(1, pitch - 2);
  const run = (from: number, end: number, kind: string): Markup | null =>
    end <= from
      ? null
      : html`<path
          class="${kind}"
          d="${Array.from({ length: end - from }, (_, n) => `M${((from + n) * pitch).toFixed(1)} 0h${cell.toFixed(1)}v9h-${cell.toFixed(1)}z`).join('')}"
        />`;
  return html`<g transform="translate(12 46)"
    >${run(0, level, 'left')}${run(level, Math.min(before, levels), 'spent')}${run(Math.min(before, levels), levels, 'gone')}</g
  >`;
}

function drawBox({ kind, title, text, levels }: Box, row: number, left: number): Markup {
  const y = row * (boxHeight + gap);
  const inner = width - left;
  // A nested picture cuts what is too long for it.
  return html`<svg x="${left}" y="${y}" width="${inner}" height="${boxHeight}">
    <rect class="box" x=".5" y=".5" width="${inner - 1}" height="${boxHeight - 1}" rx="6" />
    <rect class="k-${kind}" width="4" height="${boxHeight}" rx="2" />
    <text x="12" y="19" font-size="13.5" font-weight="600">${fitted(title, inner - 24, 13.5)}</text>
    <text class="faint" x="12" y="${levels === null ? 40 : 36}" font-size="12">
      ${fitted(text, inner - 24, 12)}
    </text>
    ${levels}
  </svg> `;
}

/** A text cut to a width in pixels. Latin letters are at most 0.58 of the size wide on average, others 1. */
function fitted(title: string, pixels: number, size: number): string {
  let used = 0;
  let text = '';
  for (const character of printable(title)) {
    const wide = /[ -~]/.test(character) ? (/[A-Z@%mwMW<>]/.test(character) ? 0.8 : 0.57) : 1.05;
    used += wide * size;
    if (used > pixels) return `${text}…`;
    text += character;
  }
  return text;
}

interface Edge {
  readonly from: number;
  readonly to: number;
}

/** What each box reads, by rows; the output reads the last layer, and edges to what is left out end there. */
function edgesOf(boxes: readonly Box[], layers: readonly PlanLayer[]): Edge[] {
  const rowOf = new Map(
    boxes.flatMap(({ layer }, row) => (layer === null ? [] : [[layer, row] as const])),
  );
  const output = boxes.length - 1;
  const hidden = boxes.findIndex(({ layer }, row) => layer === null && row < output);
  const read = new Set(layers.flatMap(({ reads }) => reads));
  const all = boxes.flatMap(({ layer }, row): Edge[] => {
    if (layer !== null) {
      return (layers[layer]?.reads ?? []).map((from) => ({
        from: rowOf.get(from) ?? hidden,
        to: row,
      }));
    }
    if (row !== output) return [{ from: row - 1, to: row }];
    return layers.flatMap((_, k) =>
      read.has(k) ? [] : [{ from: rowOf.get(k) ?? hidden, to: row }],
    );
  });
  const forward = all.filter(({ from, to }) => from >= 0 && from < to);
  return [...new Map(forward.map((edge) => [`${edge.from}-${edge.to}`, edge])).values()];
}

interface LaneEdge extends Edge {
  readonly lane: number;
}

/** Edges past other boxes run beside them, each in the first lane that is free. */
function assignLanes(edges: readonly Edge[]): LaneEdge[] {
  const busyUntil: number[] = [];
  return [...edges]
    .sort((a, b) => a.from - b.from || a.to - b.to)
    .map((edge) => {
      const free = busyUntil.findIndex((until) => until <= edge.from);
      const lane = free >= 0 ? free : Math.min(busyUntil.length, mostLanes - 1);
      busyUntil[lane] = edge.to;
      return { ...edge, lane };
    });
}

function straightEdge(to: number, left: number): Markup {
  const x = left + 22;
  const end = to * (boxHeight + gap);
  return html`<path class="edge" d="M${x} ${end - gap}V${end - 5}" />${arrow(x, end, 'down')} `;
}

function laneEdge({ from, to, lane }: LaneEdge, left: number): Markup {
  const x = left - 8 - lane * laneWidth;
  const start = from * (boxHeight + gap) + boxHeight - 12;
  const end = to * (boxHeight + gap) + 14;
  return html`<path
      class="edge"
      d="M${left} ${start}H${x}V${end}H${left - 5}"
    />${arrow(left, end, 'right')} `;
}

function arrow(x: number, y: number, way: 'down' | 'right'): Markup {
  const path =
    way === 'down' ? `M${x - 4} ${y - 7}h8L${x} ${y}z` : `M${x - 6} ${y - 4}v8L${x} ${y}z`;
  return html`<path class="tip" d="${path}" />`;
}
