/** Pictures of layouts: which channel and position of a tensor stands in which slot. */
import { placementOf, rowMajorStrides } from '../../layout/layout.ts';
import type { Layout } from '../../layout/layout.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program } from '../../ir/program.ts';

/** A layout and what it is the layout of. */
export interface NamedLayout {
  readonly name: string;
  readonly layout: Layout;
}

/** Slots in a row of a picture. */
const mostColumns = 128;
/** Side of a slot, in pixels. */
const cell = 4;
const margin = 16;
const lineHeight = 18;
const shades = 4;
/** Turns neighbouring channels into colours far apart (golden angle, degrees). */
const hueStep = 137.508;

/** The layouts of the inputs, and of the results of linear maps, in the order of the program. */
export function layoutsOf(program: Program): NamedLayout[] {
  return program.operations.flatMap((operation, id) => {
    const { op, location } = operation;
    const { type } = operationOf(program, id);
    if (type.kind === 'tensor' || !(op.endsWith('.input') || op.endsWith('.linear'))) return [];
    return [{ name: location ?? op, layout: type.layout }];
  });
}

/**
 * One SVG picture of the first ciphertext of each layout, row by row.
 *
 * A colour is a channel (an image, where a batch lies in the slots), a shade a quarter of its
 * positions; further copies of an element are pale, unused slots grey.
 *
 * Cost: some 13 bytes for each run of slots that look alike.
 */
export function drawLayouts(layouts: readonly NamedLayout[]): string {
  const parts: string[] = [];
  let y = margin;
  for (const { name, layout } of layouts) {
    const { ciphertexts, slots } = layout;
    const { paths, used, rows, columns } = pictureOf(layout);
    const of = ciphertexts === 1 ? 'one ciphertext' : `the first of ${ciphertexts} ciphertexts`;
    const caption = `${name} [${layout.shape.join(', ')}]: ${of}, ${used} of ${slots} slots used`;
    parts.push(
      `<text x="${margin}" y="${y + 12}">${escape(caption)}</text>`,
      `<g transform="translate(${margin} ${y + lineHeight}) scale(${cell})" role="img" aria-label="${escape(caption)}">`,
      `<rect width="${columns}" height="${rows}" fill="#8884"/>`,
      ...paths.map(([colour, path]) => `<path fill="${colour}" d="${path}"/>`),
      '</g>',
    );
    y += lineHeight + rows * cell + margin;
  }
  const width = mostColumns * cell + 2 * margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">`,
    '<title>How values lie in slots</title>',
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** The slots of the first ciphertext, each a unit square. */
export interface LayoutPicture {
  readonly columns: number;
  readonly rows: number;
  /** Colours, and where they are as the data of an SVG path. */
  readonly paths: readonly (readonly [colour: string, path: string])[];
  /** Slots that hold an element. */
  readonly used: number;
}

/** Draw the first ciphertext of a layout, row by row. */
export function pictureOf(layout: Layout): LayoutPicture {
  const columns = Math.min(mostColumns, layout.slots);
  const colours = coloursOfSlots(layout);
  const paths = new Map<string, string[]>();
  let used = 0;
  for (let slot = 0; slot < colours.length;) {
    const colour = colours[slot] ?? null;
    const row = Math.floor(slot / columns);
    let end = slot + 1;
    while (end < colours.length && colours[end] === colour && end < (row + 1) * columns) end++;
    if (colour !== null) {
      const path = paths.get(colour) ?? [];
      path.push(`M${slot % columns} ${row}h${end - slot}v1H${slot % columns}z`);
      paths.set(colour, path);
      used += end - slot;
    }
    slot = end;
  }
  return {
    columns,
    rows: Math.ceil(layout.slots / columns),
    paths: [...paths].map(([colour, path]) => [colour, path.join('')]),
    used,
  };
}

/** The colour of each slot of the first ciphertext; null where it is unused. */
function coloursOfSlots(layout: Layout): (string | null)[] {
  const { shape, slots } = layout;
  const { elements, places, batchOffsets } = placementOf(layout);
  const colours = new Array<string | null>(slots).fill(null);
  const channelStride = rowMajorStrides(shape)[channelAxis(shape)] ?? 1;
  const channels = shape[channelAxis(shape)] ?? 1;
  const seen = new Set<number>();
  for (let k = 0; k < places.length; k++) {
    const element = elements[k] ?? 0;
    const first = !seen.has(element);
    seen.add(element);
    const channel = Math.floor(element / channelStride) % channels;
    const shade = Math.floor(((element % channelStride) * shades) / channelStride);
    batchOffsets.forEach((offset, image) => {
      const place = (places[k] ?? 0) + offset;
      if (place >= slots) return;
      const hue = Math.round((batchOffsets.length > 1 ? image : channel) * hueStep) % 360;
      const alpha = first ? '' : ' / .4';
      colours[place] = `hsl(${hue} 65% ${38 + 8 * shade}%${alpha})`;
    });
  }
  return colours;
}

/** The axis behind the leading one of ONNX; a vector's elements are its channels. */
function channelAxis(shape: readonly number[]): number {
  return Math.min(1, shape.length - 1);
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    '"': 'quot',
  };
  return text
    .replace(/[&<>"]/g, (character) => `&${entities[character] ?? ''};`)
    .replace(/\p{Cc}/gu, '�');
}
