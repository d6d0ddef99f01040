/**
 * Encoded constants that stay from one run to the next, up to a number of bytes.
 *
 * First come, first kept: a program asks for its constants in the same order each time, and evicting
 * the oldest of a cycle that does not fit would miss every time.
 */
import type { SealPlaintext } from '../../seal/index.ts';

export class PlaintextCache implements Disposable {
  readonly #capBytes: number;
  readonly #ringDegree: number;
  readonly #kept = new Map<string, SealPlaintext>();
  #bytes = 0;

  constructor(capBytes: number, ringDegree: number) {
    this.#capBytes = capBytes;
    this.#ringDegree = ringDegree;
  }

  find(key: string): SealPlaintext | undefined {
    return this.#kept.get(key);
  }

  /** Take a plaintext over if there is room; says whether it was. */
  offer(key: string, plaintext: SealPlaintext): boolean {
    const bytes = plaintext.primeCount * this.#ringDegree * 8;
    if (this.#bytes + bytes > this.#capBytes) return false;
    this.#kept.set(key, plaintext);
    this.#bytes += bytes;
    return true;
  }

  [Symbol.dispose](): void {
    for (const plaintext of this.#kept.values()) plaintext.dispose();
    this.#kept.clear();
    this.#bytes = 0;
  }
}
