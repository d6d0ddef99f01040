/**
 * The digits into which key switching cuts a value.
 *
 * With k special primes P = p_0 … p_(k−1), digit j of a value is its residue modulo the product of
 * the data primes j·k … (j + 1)·k − 1, as far as the value has them. A key holds, for each digit, an
 * encryption of P·s′ modulo the primes of that digit and of zero modulo the others. One special
 * prime gives one digit a prime; more give fewer and smaller keys, for a larger modulus Q·P.
 */

/** The data primes of a digit: `first` … `end` − 1. */
export interface KeyDigit {
  readonly first: number;
  readonly end: number;
}

/** Digits of a value, or of a key, of `primes` data primes. */
export function keyDigits(primes: number, specialPrimes: number): KeyDigit[] {
  return Array.from({ length: keyDigitCount(primes, specialPrimes) }, (_, j) => ({
    first: j * specialPrimes,
    end: Math.min((j + 1) * specialPrimes, primes),
  }));
}

/** How many they are. */
export function keyDigitCount(primes: number, specialPrimes: number): number {
  return Math.ceil(primes / specialPrimes);
}
