/**
 * The container of ciphertexts: a `.ct` file, or the body of a request.
 *
 * It holds the ciphertexts of several tensors and executions of one plan. All lengths follow from
 * the plan and the number of images, so a reader knows the exact size before it copies anything.
 *
 * Layout  'CLOOMCT\0' · version 4 · kind 4 (1 inputs, 2 outputs) · plan hash 32 · file bytes 8 ·
 *         images 4 · executions 4 · tensors 4 · zero 4 ·
 *         per tensor: name bytes 4 · ciphertexts per execution 4 · bytes a ciphertext 8 · name ·
 *         then ciphertexts [execution][tensor][index] · SHA-256 of everything before 32
 */
import { CipherloomError, invariant } from '../errors.ts';
import { ciphertextBlobBytes } from './ciphertext-blob.ts';
import { formatHash, parseHash, sameBytes, sha256, sha256Bytes } from './sha256.ts';

export interface CiphertextTensor {
  readonly name: string;
  /** Ciphertexts in one execution. */
  readonly ciphertexts: number;
  /** Exact bytes of each. */
  readonly blobBytes: number;
}

/** What a file must be. */
export interface CiphertextFileForm {
  readonly kind: 'inputs' | 'outputs';
  /** Hex. */
  readonly planHash: string;
  /** Images one execution holds. */
  readonly batch: number;
  readonly tensors: readonly CiphertextTensor[];
}

/** The part of a plan that gives the form of its files. */
export interface CiphertextFilePlan {
  /** Hex. */
  readonly planHash: string;
  readonly ringDegree: number;
  readonly batch: number;
}

/** The form of the inputs (seeded, as clients encrypt them) or the outputs of a plan. */
export function ciphertextFileForm(
  kind: CiphertextFileForm['kind'],
  plan: CiphertextFilePlan,
  tensors: readonly {
    readonly name: string;
    readonly level: number;
    readonly layout: { readonly ciphertexts: number };
  }[],
): CiphertextFileForm {
  const form = kind === 'inputs' ? 'seeded' : 'expanded';
  return {
    kind,
    planHash: plan.planHash,
    batch: plan.batch,
    tensors: tensors.map(({ name, level, layout }) => ({
      name,
      ciphertexts: layout.ciphertexts,
      blobBytes: ciphertextBlobBytes(plan.ringDegree, level + 1, form),
    })),
  };
}

export interface CiphertextFile {
  readonly images: number;
  /** [execution][tensor][index]; bytes shared with the file. */
  readonly executions: readonly (readonly (readonly Uint8Array[])[])[];
}

const magic = new TextEncoder().encode('CLOOMCT\0');
const version = 1;
const fixedBytes = 72;
const tensorBytes = 16;
const maxImages = 2 ** 24;
const maxFileBytes = 2 ** 40;

interface Shape {
  readonly names: readonly Uint8Array<ArrayBuffer>[];
  readonly executions: number;
  readonly headBytes: number;
  readonly fileBytes: number;
}

function shapeOf(form: CiphertextFileForm, images: number): Shape {
  const names = form.tensors.map(({ name }) => new TextEncoder().encode(name));
  const executions = Math.ceil(images / form.batch);
  const headBytes = names.reduce((sum, name) => sum + tensorBytes + name.length, fixedBytes);
  const execution = form.tensors.reduce((sum, t) => sum + t.ciphertexts * t.blobBytes, 0);
  return {
    names,
    executions,
    headBytes,
    fileBytes: headBytes + executions * execution + sha256Bytes,
  };
}

/** Exact size of a file in bytes. */
export function ciphertextFileBytes(form: CiphertextFileForm, images: number): number {
  return shapeOf(form, images).fileBytes;
}

/**
 * The SHA-256 that a file ends with, which names its content.
 *
 * ASSUME: the file was read, or will be: that is what compares it with the content.
 */
export function ciphertextFileChecksum(file: Uint8Array): Uint8Array {
  return file.subarray(-sha256Bytes);
}

/** Write a container; `executions` is [execution][tensor][index]. */
export async function writeCiphertextFile(
  form: CiphertextFileForm,
  images: number,
  executions: readonly (readonly (readonly Uint8Array[])[])[],
): Promise<Uint8Array<ArrayBuffer>> {
  const shape = shapeOf(form, images);
  const planHash = parseHash(form.planHash);
  invariant(planHash !== null, 'a plan hash has 64 hex digits');
  invariant(images >= 1 && images <= maxImages, 'the number of images is out of bounds');
  invariant(executions.length === shape.executions, 'one entry per execution');
  const file = new Uint8Array(shape.fileBytes);
  const view = new DataView(file.buffer);
  file.set(magic);
  view.setUint32(8, version, true);
  view.setUint32(12, form.kind === 'inputs' ? 1 : 2, true);
  file.set(planHash, 16);
  view.setBigUint64(48, BigInt(shape.fileBytes), true);
  view.setUint32(56, images, true);
  view.setUint32(60, shape.executions, true);
  view.setUint32(64, form.tensors.length, true);
  let at = fixedBytes;
  form.tensors.forEach((tensor, index) => {
    const name = shape.names[index] ?? new Uint8Array();
    view.setUint32(at, name.length, true);
    view.setUint32(at + 4, tensor.ciphertexts, true);
    view.setBigUint64(at + 8, BigInt(tensor.blobBytes), true);
    file.set(name, at + tensorBytes);
    at += tensorBytes + name.length;
  });
  for (const execution of executions) {
    invariant(execution.length === form.tensors.length, 'every execution has every tensor');
    execution.forEach((blobs, index) => {
      const tensor = form.tensors[index];
      invariant(blobs.length === tensor?.ciphertexts, 'a tensor has its number of ciphertexts');
      for (const blob of blobs) {
        invariant(blob.length === tensor.blobBytes, 'a ciphertext has its exact length');
        file.set(blob, at);
        at += blob.length;
      }
    });
  }
  file.set(await sha256(file.subarray(0, at)), at);
  return file;
}

/** A container whose content is not compared with its checksum yet. */
export interface UncheckedCiphertextFile extends CiphertextFile {
  /** Throws CIPHERTEXT_INVALID for a damaged file. Cost: a hash of all of it. */
  readonly check: () => Promise<void>;
}

/**
 * Read a container.
 *
 * Throws  PLAN_MISMATCH for another plan; CIPHERTEXT_TRUNCATED for another length;
 *         CIPHERTEXT_INVALID for anything else, each with the numbers compared
 */
export async function readCiphertextFile(
  bytes: Uint8Array<ArrayBuffer>,
  form: CiphertextFileForm,
): Promise<CiphertextFile> {
  const { check, ...file } = openCiphertextFile(bytes, form);
  await check();
  return file;
}

/**
 * Read a container, and leave it to the caller to check its content before anybody sees what comes of it:
 * the hash of a batch takes a fifth of a second, in which its evaluation may begin.
 *
 * Throws as `readCiphertextFile`, but for the checksum.
 */
export function openCiphertextFile(
  bytes: Uint8Array<ArrayBuffer>,
  form: CiphertextFileForm,
): UncheckedCiphertextFile {
  const refuse = (message: string, details: Readonly<Record<string, unknown>>): never => {
    throw new CipherloomError('CIPHERTEXT_INVALID', `ciphertext file: ${message}`, {
      phase: 'seal',
      details,
      hint:
        form.kind === 'inputs'
          ? 'encrypt again with the client of this plan'
          : 'evaluate again with the plan the keys were made for',
    });
  };
  const refuseLength = (got: number, expected: number | string): never => {
    throw new CipherloomError(
      'CIPHERTEXT_TRUNCATED',
      `ciphertext file: it has ${got} bytes, expected ${expected}`,
      { phase: 'seal', details: { got, expected }, hint: 'transfer the file again' },
    );
  };

  const magicBytes = bytes.subarray(0, 8);
  if (!sameBytes(magicBytes, magic.subarray(0, magicBytes.length)) || bytes.length === 0) {
    refuse('this is not a ciphertext file', { bytes: bytes.length, offset: 0 });
  }
  if (bytes.length < fixedBytes + sha256Bytes) {
    refuseLength(bytes.length, `at least ${fixedBytes + sha256Bytes}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (name: string, offset: number, expected: number): void => {
    const got = view.getUint32(offset, true);
    if (got !== expected) {
      refuse(`${name} is ${got}, expected ${expected}`, { field: name, got, expected, offset });
    }
  };
  field('format version', 8, version);
  const planHash = parseHash(form.planHash);
  if (planHash === null || !sameBytes(bytes.subarray(16, 48), planHash)) {
    const got = formatHash(bytes.subarray(16, 48));
    throw new CipherloomError(
      'PLAN_MISMATCH',
      `ciphertext file: it belongs to plan ${got.slice(0, 12)}…, expected ${form.planHash.slice(0, 12)}…`,
      {
        phase: 'seal',
        details: { got, expected: form.planHash },
        hint: 'use the client.json that was compiled with this plan',
      },
    );
  }
  field(
    form.kind === 'inputs' ? 'kind (1: inputs)' : 'kind (2: outputs)',
    12,
    form.kind === 'inputs' ? 1 : 2,
  );
  const images = view.getUint32(56, true);
  if (images < 1 || images > maxImages) {
    refuse(`the number of images is ${images}, expected 1 to ${maxImages}`, {
      got: images,
      offset: 56,
    });
  }
  const shape = shapeOf(form, images);
  field('number of executions', 60, shape.executions);
  field('number of tensors', 64, form.tensors.length);
  if (view.getUint32(68, true) !== 0) refuse('the reserved word is not zero', { offset: 68 });
  if (shape.fileBytes > maxFileBytes || bytes.length !== shape.fileBytes) {
    refuseLength(bytes.length, shape.fileBytes);
  }
  if (view.getBigUint64(48, true) !== BigInt(shape.fileBytes)) {
    refuse(`it states ${String(view.getBigUint64(48, true))} bytes, expected ${shape.fileBytes}`, {
      offset: 48,
    });
  }
  let at = fixedBytes;
  form.tensors.forEach((tensor, index) => {
    const name = shape.names[index] ?? new Uint8Array();
    field(`name length of tensor ${index}`, at, name.length);
    if (!sameBytes(bytes.subarray(at + tensorBytes, at + tensorBytes + name.length), name)) {
      refuse(`tensor ${index} is not named ${JSON.stringify(tensor.name)}`, { index, offset: at });
    }
    field(`number of ciphertexts of ${tensor.name}`, at + 4, tensor.ciphertexts);
    const blobBytes = view.getBigUint64(at + 8, true);
    if (blobBytes !== BigInt(tensor.blobBytes)) {
      refuse(
        `a ciphertext of ${tensor.name} has ${String(blobBytes)} bytes, expected ${tensor.blobBytes}`,
        {
          offset: at + 8,
        },
      );
    }
    at += tensorBytes + name.length;
  });
  const body = shape.fileBytes - sha256Bytes;
  const check = async (): Promise<void> => {
    if (!sameBytes(await sha256(bytes.subarray(0, body)), bytes.subarray(body))) {
      refuse('the checksum does not match; the file is damaged', { offset: body });
    }
  };
  const executions = Array.from({ length: shape.executions }, () =>
    form.tensors.map(({ ciphertexts, blobBytes }) =>
      Array.from({ length: ciphertexts }, () => {
        const blob = bytes.subarray(at, at + blobBytes);
        at += blobBytes;
        return blob;
      }),
    ),
  );
  return { images, executions, check };
}
