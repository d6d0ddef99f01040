// Figures as people read them. Null, in JSON the sign of an absent figure, is a dash.

import { totalBytes } from '../../backend/native/native-memory.ts';
import type { NativeMemory } from '../../backend/native/native-memory.ts';
import type { ProgramSeconds } from '../../backend/cost/program-seconds.ts';
import { profiles } from '../../passes/cost/profile.ts';

const absent = '–';
const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1536 → `1.50 KiB` */
export function byteText(bytes: number | null): string {
  if (bytes === null) return absent;
  if (bytes < 1024) return `${bytes} B`;
  // The largest unit that leaves three digits; 1023.9 KiB would print as 1024 KiB.
  const power = Math.min(units.length, Math.floor(Math.log2(bytes * (1 + 2 ** -11)) / 10));
  return `${threeDigits(bytes / 1024 ** power)} ${units[power - 1]!}`;
}

/** Milliseconds: `0.42 ms`, `12.3 ms`, `1.53 s`, `2 min 05 s` */
export function timeText(ms: number | null): string {
  if (ms === null) return absent;
  if (ms < 999.5) return `${threeDigits(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 119.5) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** Two digits: a model of time is good for no more. */
export function roughTime(seconds: number): string {
  return timeText(Number(seconds.toPrecision(2)) * 1000).replace(
    /\.(\d*?)0+ /,
    (_, kept: string) => (kept === '' ? ' ' : `.${kept} `),
  );
}

/** `45 ms with the native evaluator, 1.6 s with SEAL in WebAssembly` */
export function modelledTimeText({ native, seal }: ProgramSeconds): string {
  const other = seal === null ? '' : `, ${roughTime(seal.run)} with ${profiles.seal.evaluator}`;
  return `${roughTime(native.run)} with ${profiles.native.evaluator}${other}`;
}

/** `17.3 bits` */
export function bitText(bits: number | null): string {
  return bits === null ? absent : `${bits.toFixed(1)} bits`;
}

/** A share of 1: `98.75 %` */
export function shareText(share: number | null): string {
  if (share === null) return absent;
  // 99.996 % must not pass for 100 %.
  const percent = share === 1 ? 100 : Math.min(99.99, share * 100);
  return `${Number(percent.toFixed(2))} %`;
}

/** A number with four significant digits. */
export function numberText(value: number | null): string {
  return value === null ? absent : String(Number(value.toPrecision(4)));
}

/** `[1, 28, 28]` */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** `native, 2 threads: the addon is there` */
export function evaluatorText({
  backend,
  backendReason,
  threads,
}: {
  readonly backend: string;
  readonly backendReason: string;
  readonly threads: number;
}): string {
  return `${backend}${threads > 1 ? `, ${threads} threads` : ''}: ${backendReason}`;
}

function threeDigits(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** `1.76 GiB on native: 725 MiB of keys, 857 MiB of encoded constants, …` */
export function nativeMemoryText(memory: NativeMemory): string {
  const parts = [
    `${byteText(memory.keyBytes)} of keys`,
    `${byteText(memory.plaintextBytes)} of encoded constants`,
    `${byteText(memory.workingBytes)} of ciphertexts and what is made on the way`,
  ];
  return `${byteText(totalBytes(memory))} on native: ${parts.join(', ')}`;
}
