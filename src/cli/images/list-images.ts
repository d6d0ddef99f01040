import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { CipherloomError } from '../../errors.ts';

/** An image of a folder. */
export interface ListedImage {
  readonly path: string;
  /** Its class: the place of its sub-folder's name among all of them; null without sub-folders. */
  readonly label: number | null;
}

export interface ImageFolder {
  readonly images: readonly ListedImage[];
  /** Names of the sub-folders, sorted; empty without any. */
  readonly classes: readonly string[];
}

const maxImages = 1_000_000;
const imageName = /\.(png|jpe?g)$/i;

/**
 * The images of a folder, by name; or of its sub-folders, one a class, as torchvision's ImageFolder
 * numbers them.
 *
 * Throws  FILE_UNREADABLE, DATA_INVALID for a folder without images or with both forms, RESOURCE_LIMIT
 */
export function listImages(folder: string): ImageFolder {
  const entries = entriesOf(folder);
  const own = filesOf(folder, entries).map((path) => ({ path, label: null }));
  const classes = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  const inner = classes
    .map((name) => join(folder, name))
    .map((path) => filesOf(path, entriesOf(path)));
  const labelled = inner.flatMap((paths, label) => paths.map((path) => ({ path, label })));
  if (own.length > 0 && labelled.length > 0) {
    throw invalid(
      folder,
      `holds ${own.length} images and sub-folders with ${labelled.length} more`,
      'put images into the folder, or into one sub-folder a class',
    );
  }
  const images = own.length > 0 ? own : labelled;
  if (images.length === 0) {
    throw invalid(folder, 'holds no .png, .jpg or .jpeg', 'give a folder of images');
  }
  if (images.length > maxImages) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `${folder} holds ${images.length} images; at most ${maxImages} are listed`,
      { phase: 'cli', node: folder, details: { images: images.length, limit: maxImages } },
    );
  }
  return { images, classes: own.length > 0 ? [] : classes };
}

/** In one order on every machine, whatever its language. */
function entriesOf(folder: string): Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    throw new CipherloomError('FILE_UNREADABLE', `${folder} cannot be read as a folder`, {
      phase: 'cli',
      node: folder,
      hint: 'give a folder of images',
      cause,
    });
  }
}

function filesOf(folder: string, entries: readonly Dirent[]): string[] {
  return entries
    .filter((entry) => entry.isFile() && imageName.test(entry.name) && !entry.name.startsWith('.'))
    .map(({ name }) => join(folder, name));
}

function invalid(folder: string, what: string, hint: string): CipherloomError {
  return new CipherloomError('DATA_INVALID', `${folder} ${what}`, {
    phase: 'cli',
    node: folder,
    hint,
  });
}
