/** Zip archives as a foreign or hostile writer would make them: every field can lie. */
import { crc32 } from 'node:zlib';

export interface ZipEntry {
  readonly name: string | Uint8Array;
  /** Of the local header, where it differs. */
  readonly localName?: string;
  readonly method: number;
  /** What stands in the file. */
  readonly content: Uint8Array;
  /** What it is said to be: length and checksum are taken of it. */
  readonly of: Uint8Array;
  readonly bytes?: number;
  readonly crc?: number;
  readonly flags?: number;
  /** Offset of the local header as the directory states it. */
  readonly start?: number;
  readonly localExtra?: Uint8Array;
  readonly localSizes?: number;
}

function fields(...values: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  return Buffer.concat(
    values.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}

export function zipFile(
  entries: readonly ZipEntry[],
  { comment = '' }: { readonly comment?: string } = {},
): Uint8Array {
  const local: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const { method, content, of, flags = 0, localExtra = new Uint8Array() } = entry;
    const name = Buffer.from(entry.name);
    const localName = Buffer.from(entry.localName ?? entry.name);
    const crc = entry.crc ?? crc32(of);
    const bytes = entry.bytes ?? of.length;
    const sizes = [entry.localSizes ?? content.length, entry.localSizes ?? bytes] as const;
    const head = fields(
      [4, 0x04034b50],
      [2, 20],
      [2, flags],
      [2, method],
      [4, 0],
      [4, crc],
      [4, sizes[0]],
      [4, sizes[1]],
      [2, localName.length],
      [2, localExtra.length],
    );
    directory.push(
      fields(
        [4, 0x02014b50],
        [2, 20],
        [2, 20],
        [2, flags],
        [2, method],
        [4, 0],
        [4, crc],
        [4, content.length],
        [4, bytes],
        [2, name.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, 0],
        [4, entry.start ?? at],
      ),
      name,
    );
    const parts = [head, localName, localExtra, content];
    local.push(...parts);
    at += parts.reduce((sum, part) => sum + part.length, 0);
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const end = fields(
    [4, 0x06054b50],
    [4, 0],
    [2, entries.length],
    [2, entries.length],
    [4, directoryBytes],
    [4, at],
    [2, comment.length],
  );
  return new Uint8Array(Buffer.concat([...local, ...directory, end, Buffer.from(comment)]));
}
