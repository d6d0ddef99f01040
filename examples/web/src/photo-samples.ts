/** Lesion photos of `examples/melanoma/samples`, for those who have none at hand. */
import labelsText from '../../melanoma/samples/labels.csv?raw';

export interface PhotoSample {
  readonly name: string;
  readonly url: string;
  /** What whoever published it says of it; null where nothing is said. */
  readonly label: string | null;
}

const urls = import.meta.glob<string>('../../melanoma/samples/*.jpg', {
  query: '?url',
  import: 'default',
  eager: true,
});

const labels = new Map(
  labelsText.split(/\r?\n/).map((line) => {
    const [file = '', melanoma] = line.split(',');
    return [file.replace(/\.jpg$/, ''), melanoma === '1' ? 'a melanoma' : 'no melanoma'];
  }),
);

/** Sorted by name. */
export const photoSamples: readonly PhotoSample[] = Object.entries(urls)
  .map(([path, url]) => {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.jpg$/, '');
    return { name, url, label: labels.get(name) ?? null };
  })
  .sort((a, b) => a.name.localeCompare(b.name));
