/** What the first bytes of an image file claim, read before a decoder allocates for it. */

export interface ImageHeader {
  readonly format: 'jpeg' | 'png';
  readonly width: number;
  readonly height: number;
}

const pngStart = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Read format and dimensions; throws an Error that says what is wrong with the file. */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length === 0) throw new Error('the file is empty');
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegHeader(bytes);
  if (pngStart.every((byte, i) => bytes[i] === byte)) return pngHeader(bytes);
  throw new Error('neither JPEG nor PNG');
}

function pngHeader(bytes: Uint8Array): ImageHeader {
  const view = viewOf(bytes);
  // Length, "IHDR", width, height: the standard puts this chunk first.
  if (bytes.length < 24 || view.getUint32(12) !== 0x49484452) {
    throw new Error('a PNG without an IHDR chunk');
  }
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) };
}

/**
 * Walk the segments up to the frame header (SOF).
 *
 * Source  ITU-T T.81, annex B
 */
function jpegHeader(bytes: Uint8Array): ImageHeader {
  const view = viewOf(bytes);
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new Error(`a JPEG whose byte ${at} is not a marker`);
    const marker = bytes[at + 1]!;
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isFrameHeader(marker)) {
      if (at + 9 > bytes.length) break;
      return { format: 'jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    // Start of scan or end of image: the pixels would come before their dimensions.
    if (marker === 0xda || marker === 0xd9) break;
    at += 2 + view.getUint16(at + 2);
  }
  throw new Error('a JPEG without a frame header');
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which lie between them. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
