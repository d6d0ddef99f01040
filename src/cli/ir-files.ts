import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CipherloomError } from '../errors.ts';
import { parseProgram } from '../ir/parse.ts';
import { hashConstant, inlineElements, printProgram } from '../ir/print.ts';
import type { Program } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { verify } from '../ir/verify.ts';
import { elementCount } from '../layout/layout.ts';
import { checkWritableParent, resolveOutput, statOrUndefined } from './output-checks.ts';
import { writeOutputChunks, writeOutputFile } from './output-file.ts';
import { readBoundedFile } from './read-file.ts';

/**
 * Large constants of IR text, by their hash: one file beside the texts of a folder, so that a
 * weight that twenty dumps name is stored once.
 *
 * Layout  'CLOOMCON' · bytes of the index, uint32 · the index, JSON [[sha256, elements], …] ·
 *         zeros to a multiple of 8 · float64 elements in the order of the index, little-endian
 */
export const constantsFileName = 'constants.bin';

const magic = new TextEncoder().encode('CLOOMCON');
const preambleBytes = 12;
const maxTextBytes = 2 ** 28;
const maxConstantsBytes = 2 ** 34;
const maxElements = 2 ** 31;

const constantLine = /^(?:public )?@(\S+) = \[([\d, ]*)\] sha256:([0-9a-f]{64})$/gm;

/**
 * Read a program from IR text, with its large constants from the folder's constants file.
 *
 * Throws  FILE_UNREADABLE, IR_INVALID with the line
 */
export function readIrFile(
  path: string,
  constantsPath = join(dirname(path), constantsFileName),
): Program {
  const text = new TextDecoder().decode(readBoundedFile(path, maxTextBytes));
  const named = [...text.matchAll(constantLine)];
  const stored =
    named.length === 0
      ? new Map<string, Float64Array<ArrayBuffer>>()
      : readConstants(constantsPath);
  const constants = new Map<string, Tensor>();
  for (const [, name = '', dims = '', hash = ''] of named) {
    const shape = dims === '' ? [] : dims.split(',').map(Number);
    const data = stored.get(hash);
    if (data === undefined) {
      throw irError(
        path,
        `${constantsPath} has no constant of the hash ${hash}, that @${name} names`,
      );
    }
    if (data.length !== elementCount(shape)) {
      throw irError(path, `@${name} has ${data.length} elements, not [${dims}]`);
    }
    constants.set(name, { shape, data });
  }
  const program = parseProgram(text, constants);
  verify(program);
  return program;
}

/** A folder of IR texts that grows while a compilation runs. */
export interface IrDump extends Disposable {
  /** Write the program after a pass; a later attempt replaces an earlier one. */
  write(index: number, pass: string, program: Program): void;
}

/**
 * Open a folder for IR texts; disposing writes the constants that they name.
 *
 * Throws  FILE_EXISTS for a folder that holds anything but such texts, FILE_UNWRITABLE
 */
export function openIrDump(path: string, { force }: { readonly force: boolean }): IrDump {
  const flag = '--dump-ir';
  const folder = resolveOutput(path);
  checkWritableParent(folder, flag);
  const foreign = existsSync(folder) ? foreignEntry(folder, path) : undefined;
  if (foreign !== undefined && !force) {
    throw new CipherloomError('FILE_EXISTS', `${flag} ${path} holds ${foreign}, which is no IR`, {
      phase: 'cli',
      node: path,
      details: { option: flag, path, entry: foreign },
      hint: `give ${flag} another folder, or --force`,
    });
  }
  mkdirSync(folder, { recursive: true });
  const constants = new Map<string, Tensor>();
  return {
    write(index, pass, program) {
      const name = `${String(index + 1).padStart(2, '0')}-${pass}.ir`;
      writeOutputFile(join(folder, name), printProgram(program), { flag });
      collectConstants(program, constants);
    },
    [Symbol.dispose]() {
      writeConstants(join(folder, constantsFileName), constants, flag);
    },
  };
}

/** Write one program with its constants beside it, those of other texts in the folder kept. */
export function writeIrFile(path: string, program: Program, inputs: readonly string[]): void {
  const constants = new Map<string, Tensor>();
  collectConstants(program, constants);
  const beside = join(dirname(path), constantsFileName);
  if (constants.size > 0) {
    if (existsSync(beside)) {
      for (const [hash, data] of readConstants(beside)) {
        if (!constants.has(hash)) constants.set(hash, { shape: [data.length], data });
      }
    }
    writeConstants(beside, constants, '--output');
  }
  writeOutputFile(path, printProgram(program), { inputs });
}

function foreignEntry(folder: string, path: string): string | undefined {
  if (statOrUndefined(folder)?.isDirectory() !== true) return path;
  return readdirSync(folder).find((name) => name !== constantsFileName && !name.endsWith('.ir'));
}

/** The constants that the text of a program names by hash. */
function collectConstants(program: Program, into: Map<string, Tensor>): void {
  for (const tensor of program.constants.values()) {
    if (tensor.data.length > inlineElements) into.set(hashConstant(tensor), tensor);
  }
  if (program.publicPart !== undefined) collectConstants(program.publicPart, into);
}

function writeConstants(path: string, constants: ReadonlyMap<string, Tensor>, flag: string): void {
  // In the order of the hashes: the same programs give the same file.
  const sorted = [...constants].sort(([a], [b]) => (a < b ? -1 : 1));
  const index = new TextEncoder().encode(
    JSON.stringify(sorted.map(([hash, { data }]) => [hash, data.length])),
  );
  const head = new Uint8Array(dataStart(index.length));
  head.set(magic);
  new DataView(head.buffer).setUint32(magic.length, index.length, true);
  head.set(index, preambleBytes);
  const chunks = sorted.map(
    ([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  writeOutputChunks(path, [head, ...chunks], { flag });
}

function readConstants(path: string): Map<string, Float64Array<ArrayBuffer>> {
  const bytes = readBoundedFile(path, maxConstantsBytes);
  if (bytes.length < preambleBytes || magic.some((byte, i) => bytes[i] !== byte)) {
    throw irError(path, 'it is no file of constants');
  }
  const indexBytes = new DataView(bytes.buffer).getUint32(magic.length, true);
  const start = dataStart(indexBytes);
  if (start > bytes.length) {
    throw irError(path, `its index has ${indexBytes} bytes; the file ends at ${bytes.length}`);
  }
  let at = start;
  const constants = new Map<string, Float64Array<ArrayBuffer>>();
  for (const [hash, elements] of parseIndex(
    bytes.subarray(preambleBytes, preambleBytes + indexBytes),
    path,
  )) {
    if (at + elements * 8 > bytes.length) {
      throw irError(
        path,
        `the constant ${hash} ends at byte ${at + elements * 8}, the file at ${bytes.length}`,
      );
    }
    constants.set(hash, new Float64Array(bytes.buffer, at, elements));
    at += elements * 8;
  }
  if (at !== bytes.length) {
    throw irError(path, `${bytes.length - at} bytes follow its last constant`);
  }
  return constants;
}

function parseIndex(index: Uint8Array, path: string): readonly (readonly [string, number])[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(index));
  } catch (cause) {
    throw irError(path, `its index is not JSON: ${String(cause)}`);
  }
  if (!Array.isArray(value) || !value.every(isEntry)) {
    throw irError(path, 'its index is not a list of hashes and numbers of elements');
  }
  return value;
}

function isEntry(entry: unknown): entry is readonly [string, number] {
  if (!Array.isArray(entry) || entry.length !== 2) return false;
  const [hash, elements] = entry as unknown[];
  return (
    typeof hash === 'string' &&
    typeof elements === 'number' &&
    Number.isInteger(elements) &&
    elements >= 0 &&
    elements <= maxElements
  );
}

/** The elements are viewed in place, so they start at a multiple of 8. */
function dataStart(indexBytes: number): number {
  return Math.ceil((preambleBytes + indexBytes) / 8) * 8;
}

function irError(path: string, reason: string): CipherloomError {
  return new CipherloomError('IR_INVALID', `${path}: ${reason}`, {
    phase: 'ir',
    node: path,
    hint: 'dump the program again with cipherloom compile --dump-ir DIR',
  });
}
