/**
 * The WebAssembly instance of Microsoft SEAL (node-seal): started once, replaced when it breaks.
 *
 * The variant that allows transparent results is used on purpose: a row of zero weights makes one
 * in a correct program, and whether it throws would depend on values. Received ciphertexts are
 * checked in `ciphertext-blob.ts` instead.
 */
import initialize, {
  type ClassHandle,
  type InitializeOptions,
  type MainModule,
} from 'node-seal/allows';
import { CipherloomError, InternalError } from '../errors.ts';

/** What emscripten adds to the module when it is built with WebAssembly exceptions. */
interface ExceptionReader {
  getExceptionMessage(exception: unknown): readonly [type: string, message: string];
}

/** The part of WebAssembly used here; its types ship with the DOM's, which a server lacks. */
interface WebAssemblyApi {
  validate(module: Uint8Array<ArrayBuffer>): boolean;
  readonly RuntimeError: new (message?: string) => Error;
  /** Absent in engines without WebAssembly exceptions. */
  readonly Exception?: new (...args: never[]) => object;
}

const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/**
 * A module with one global of type exnref, `(global (ref null exn) (ref.null exn))`: what SEAL's
 * build needs and older engines refuse.
 */
const exceptionReferenceProbe = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x06, 0x06, 0x01, 0x69, 0x00, 0xd0, 0x69, 0x0b],
);

/** Whether this JavaScript engine can run SEAL's WebAssembly. */
export function canRunSeal(): boolean {
  return webAssembly.validate(exceptionReferenceProbe);
}

/**
 * One instance of SEAL's WebAssembly.
 *
 * Every call into it goes through `call`, which turns C++ exceptions into errors and declares the
 * instance lost when it traps: after a trap its memory can be inconsistent, so it is never used
 * again. `loadSeal` then starts a new one; objects of the lost one throw SEAL_FAILED.
 */
export class SealInstance {
  readonly #module: MainModule;
  #lost: string | null = null;
  #liveHandles = 0;

  constructor(module: MainModule) {
    this.#module = module;
  }

  /** Whether a trap or a failed allocation ended this instance. */
  get lost(): boolean {
    return this.#lost !== null;
  }

  /** Objects in WebAssembly memory that were not disposed yet. */
  get liveHandles(): number {
    return this.#liveHandles;
  }

  /**
   * Run SEAL code.
   *
   * Throws SEAL_FAILED after a trap (now or before), RESOURCE_LIMIT when memory ran out, INTERNAL
   * when SEAL refuses arguments that were checked before.
   */
  call<T>(what: string, run: (module: MainModule) => T): T {
    this.requireUsable(what);
    try {
      return run(this.#module);
    } catch (error) {
      throw this.#translate(what, error);
    }
  }

  requireUsable(what: string): void {
    if (this.#lost === null) return;
    throw new CipherloomError(
      'SEAL_FAILED',
      `${what}: the WebAssembly instance failed before (${this.#lost}) and was given up`,
      { phase: 'seal', hint: 'make the object again; a new instance starts by itself' },
    );
  }

  /** Declare the instance unusable. */
  giveUp(reason: string): void {
    this.#lost ??= reason;
    if (current?.instance === this) current = null;
  }

  /** @internal Accounting of `SealHandle`. */
  countHandle(change: 1 | -1): void {
    this.#liveHandles += change;
  }

  #translate(what: string, error: unknown): Error {
    if (error instanceof CipherloomError) return error;
    const { Exception } = webAssembly;
    if (Exception !== undefined && error instanceof Exception) {
      const [type, message] = (this.#module as unknown as ExceptionReader).getExceptionMessage(
        error,
      );
      if (type === 'std::bad_alloc') return this.#outOfMemory(what);
      return new InternalError(`SEAL refused ${what}: ${message}`, {
        phase: 'seal',
        details: { type },
      });
    }
    if (error instanceof webAssembly.RuntimeError || error instanceof RangeError) {
      if (/out of memory|OOM|Array buffer allocation/i.test(error.message)) {
        return this.#outOfMemory(what);
      }
      this.giveUp(error.message);
      return new CipherloomError('SEAL_FAILED', `${what}: SEAL stopped: ${error.message}`, {
        phase: 'seal',
        hint: 'try again: a new instance starts by itself; report it if it happens twice',
        cause: error,
      });
    }
    return new InternalError(
      `${what}: ${error instanceof Error ? error.message : 'SEAL threw a value that is no error'}`,
      { phase: 'seal', cause: error },
    );
  }

  #outOfMemory(what: string): Error {
    // WebAssembly memory never shrinks, so a full instance stays full.
    this.giveUp('out of memory');
    return new CipherloomError(
      'RESOURCE_LIMIT',
      `${what}: the WebAssembly memory is exhausted (it ends at 4 GiB)`,
      {
        phase: 'seal',
        hint: 'dispose objects earlier, lower the key cache, or compile with a smaller --max-memory-bytes',
      },
    );
  }
}

interface Start {
  readonly promise: Promise<SealInstance>;
  instance: SealInstance | null;
}

/**
 * node-seal's own `locateFile` names `seal_allows.wasm` beside its script, where a bundler renames it.
 * Without one, emscripten's `new URL('seal_allows.wasm', import.meta.url)` finds it: bundlers follow
 * that form, browsers and Node resolve it themselves.
 */
const bundledWasm = { locateFile: undefined } as unknown as InitializeOptions;

/** The instance in use, or the one being started. */
let current: Start | null = null;

/**
 * Start SEAL, or return the running instance.
 *
 * Cost    about 40 ms the first time
 * Throws  NODE_TOO_OLD where the engine lacks WebAssembly exception references
 */
export async function loadSeal(): Promise<SealInstance> {
  if (current !== null) return current.promise;
  requireEngine();
  const started: Start = {
    instance: null,
    promise: initialize(bundledWasm).then((module) => {
      const instance = new SealInstance(module);
      started.instance = instance;
      return instance;
    }),
  };
  current = started;
  try {
    return await started.promise;
  } catch (error) {
    current = null;
    throw new CipherloomError('SEAL_FAILED', `SEAL's WebAssembly could not be started`, {
      phase: 'seal',
      hint: 'check that the .wasm file of node-seal is served beside its JavaScript',
      cause: error,
    });
  }
}

/** Refuse an engine that cannot run SEAL, in one line. */
export function requireEngine(supported: boolean = canRunSeal()): void {
  if (supported) return;
  const { process } = globalThis as { process?: { version?: string } };
  throw new CipherloomError(
    'NODE_TOO_OLD',
    process?.version === undefined
      ? 'this browser cannot run WebAssembly exception references (exnref), which SEAL needs'
      : `Node.js ${process.version} cannot run SEAL's WebAssembly; 24.15 or later is needed`,
    {
      phase: 'seal',
      hint: process?.version === undefined ? 'use a current browser' : 'npm install node@24',
    },
  );
}

/** An object in WebAssembly memory: freed by `using` or `dispose`, counted while it lives. */
export class SealHandle<T extends ClassHandle> implements Disposable {
  readonly instance: SealInstance;
  #raw: T | null;

  constructor(instance: SealInstance, raw: T) {
    this.instance = instance;
    this.#raw = raw;
    instance.countHandle(1);
  }

  /** The embind object. Throws USE_AFTER_DISPOSE, or SEAL_FAILED after a trap. */
  get raw(): T {
    if (this.#raw === null) {
      throw new CipherloomError('USE_AFTER_DISPOSE', 'a SEAL object was used after it was freed', {
        phase: 'seal',
        hint: 'keep the object until its last use; see `using`',
      });
    }
    this.instance.requireUsable('using a SEAL object');
    return this.#raw;
  }

  dispose(): void {
    const raw = this.#raw;
    if (raw === null) return;
    this.#raw = null;
    this.instance.countHandle(-1);
    // Freeing inside a broken instance can trap again; its memory goes with it.
    if (!this.instance.lost) raw.delete();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
