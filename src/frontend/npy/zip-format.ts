/**
 * The part of the zip format that numpy writes: a local header before each entry, a central
 * directory behind the last one, and a record of where that directory is.
 *
 * Source  PKWARE, APPNOTE.TXT 6.3.10, §4.3
 */

/** Signatures and sizes in bytes of the fixed parts of the three records. */
export const localHeader = { signature: 0x04034b50, bytes: 30 } as const;
export const centralHeader = { signature: 0x02014b50, bytes: 46 } as const;
export const endRecord = { signature: 0x06054b50, bytes: 22 } as const;

export const methods = { stored: 0, deflated: 8 } as const;

/** Bits of the general purpose flag. */
export const flags = { encrypted: 1, utf8: 0x800 } as const;

/** Stands in a 32-bit field whose value is in a zip64 record. */
export const elsewhere = 0xffff_ffff;
