/** What the study measures: every combination is one cell, a plan run on encrypted images. */

export const networks = ['lola', 'mlp', 'cryptonets', 'lenet'] as const;
export type Network = (typeof networks)[number];

/** Batches that the tables have columns for. */
export const batches = [1, 8, 64, 512, 4096, 8192] as const;

/** What a cell changes; the tables are made of these. */
export type Group = 'packing' | 'one image' | 'batch';

export interface Cell {
  /** Name of its file. */
  readonly id: string;
  readonly network: Network;
  readonly group: Group;
  /** Row of its table. */
  readonly label: string;
  /** Images that one execution holds. */
  readonly batch: number;
  /** Options of `cipherloom compile` beside the target and the batch. */
  readonly words: readonly string[];
  /** Takes the figures of another cell: its id, and what is asked of them. */
  readonly relativeTo: { readonly id: string; readonly ask: Ask } | null;
  readonly threads: number;
  /** Images that are encrypted, evaluated and compared. */
  readonly images: number;
}

export type Ask =
  { readonly kind: 'next-ring' } | { readonly kind: 'key-share'; readonly share: number };

/** Names of the rows with special parts in the text. */
export const labels = {
  chosen: 'what the compiler chooses',
  image: 'one image an execution',
  interleaved: 'images interleaved',
  featureMajor: 'feature-major',
} as const;

export const packingWords: Readonly<Record<string, string>> = {
  [labels.image]: 'image',
  [labels.interleaved]: 'interleaved',
  [labels.featureMajor]: 'feature-major',
};

/** Beyond this, an interleaved image has a handful of slots, which is feature-major with more work. */
const mostInterleaved = 512;

/** A batch that the optimisations of batches are measured at. */
export const largeBatch = 4096;

/** What is switched off one by one for a single image. */
const singleImage: readonly (readonly [string, readonly string[]])[] = [
  ['no linear fusion', ['--disable', 'fuse-linear']],
  ['no polynomial folding', ['--disable', 'fold-polynomials']],
  ['no patches from the client', ['--disable', 'client-patches']],
  ['no baby-step giant-step', ['--disable', 'giant-steps']],
  ['no hoisting', ['--disable', 'hoist-rotations']],
  ['keys not trimmed', ['--disable', 'trim-keys']],
  ['eager rescaling', ['--disable', 'lazy-rescale']],
  ['eager relinearisation', ['--disable', 'lazy-relinearise']],
  ['diagonals only', ['--linear-method', 'diagonals']],
  ['rotate-and-sum only', ['--linear-method', 'rotate-and-sum']],
];

/** What is switched off in a large batch: nothing is rotated there. */
const inBatch: readonly (readonly [string, readonly string[]])[] = [
  ['no linear fusion', ['--disable', 'fuse-linear']],
  ['no polynomial folding', ['--disable', 'fold-polynomials']],
  ['eager rescaling', ['--disable', 'lazy-rescale']],
  ['eager relinearisation', ['--disable', 'lazy-relinearise']],
];

const keyShares = [1 / 2, 1 / 4, 1 / 8];

/** Images of the plans that the compiler chooses, at least, and of the others for one image. */
const [manyImages, fewImages] = [100, 20];

/**
 * Executions of a plan that holds a batch, at least: the first encodes constants that later ones find,
 * and those of small batches are short and differ more.
 */
const [manyExecutions, fewExecutions] = [6, 3];
const smallBatch = 64;

function imagesOf(batch: number): number {
  return Math.max((batch <= smallBatch ? manyExecutions : fewExecutions) * batch, manyImages);
}

/** Images that a cell's plan is measured on: fewer where its executions hold fewer than were asked for. */
export function imagesMeasured({ images, batch }: Cell, held: number): number {
  return held < batch ? Math.min(images, imagesOf(held)) : images;
}

const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

/** Every cell of a network, those first that others are relative to. */
export function cellsOf(network: Network): Cell[] {
  const cell = (part: Pick<Cell, 'group' | 'label' | 'batch'> & Partial<Cell>): Cell => ({
    id: [network, slug(part.group), slug(part.label), part.batch].join('.'),
    network,
    words: [],
    relativeTo: null,
    threads: 1,
    images: part.batch === 1 ? fewImages : imagesOf(part.batch),
    ...part,
  });
  const chosen = (batch: number): Cell =>
    cell({
      group: 'packing',
      label: labels.chosen,
      batch,
      images: imagesOf(batch),
    });
  const fixed = (label: string, batch: number): Cell =>
    cell({
      group: 'packing',
      label,
      batch,
      words: ['--packing', packingWords[label] ?? ''],
    });
  const base = chosen(1);
  const large = fixed(labels.featureMajor, largeBatch);
  const variants = (
    group: Group,
    of: Cell,
    list: readonly (readonly [string, readonly string[]])[],
  ): Cell[] => [
    ...list.map(([label, words]) =>
      cell({ group, label, batch: of.batch, words: [...of.words, ...words] }),
    ),
    cell({ group, label: 'two threads', batch: of.batch, words: of.words, threads: 2 }),
    cell({
      group,
      label: 'the next larger ring',
      batch: of.batch,
      words: of.words,
      relativeTo: { id: of.id, ask: { kind: 'next-ring' } },
    }),
  ];
  return [
    base,
    fixed(labels.image, 1),
    ...batches.slice(1).map(chosen),
    ...batches
      .filter((batch) => batch > 1 && batch <= mostInterleaved)
      .map((batch) => fixed(labels.interleaved, batch)),
    large,
    fixed(labels.featureMajor, 8192),
    ...variants('one image', base, singleImage),
    cell({
      group: 'one image',
      label: 'none of these',
      batch: 1,
      words: [
        '--disable',
        'fuse-linear,fold-polynomials,client-patches,giant-steps,trim-keys,hoist-rotations,lazy-rescale,lazy-relinearise',
        '--linear-method',
        'diagonals',
      ],
    }),
    ...keyShares.map((share) =>
      cell({
        group: 'one image',
        label: `1/${1 / share} of the keys`,
        batch: 1,
        relativeTo: { id: base.id, ask: { kind: 'key-share', share } },
      }),
    ),
    ...variants('batch', large, inBatch),
  ];
}

export interface Selection {
  /** Words of which an id must contain one; all cells where there are none. */
  readonly only: readonly string[];
  readonly quick: boolean;
}

/** Executions of a cell in a quick study; one of a large batch. */
const quickExecutions = 3;

function quickImages({ batch }: Cell): number {
  return batch > mostInterleaved ? batch : quickExecutions * batch;
}

/** A quick study: two networks, few images, small batches and one large. */
function isQuick({ network, batch, group }: Cell): boolean {
  if (network !== 'lola' && network !== 'mlp') return false;
  return batch === 1 || (group === 'packing' && (batch === 8 || batch === largeBatch));
}

/** The cells that are asked for, in the order of measuring; those others are relative to included. */
export function selectCells({ only, quick }: Selection): Cell[] {
  const all = networks.flatMap(cellsOf);
  const asked = all
    .filter(({ id }) => only.length === 0 || only.some((word) => id.includes(word)))
    .filter((cell) => !quick || isQuick(cell));
  const bases = new Set(asked.map(({ relativeTo }) => relativeTo?.id));
  return all
    .filter((cell) => asked.includes(cell) || bases.has(cell.id))
    .map((cell) => (quick ? { ...cell, images: quickImages(cell) } : cell));
}
