/** The most memory that was resident in this process. */
import { readFileSync } from 'node:fs';

/**
 * Bytes, since the program was started. Linux's `maxRSS` begins with what the parent held when it
 * started the child; the mark of the address space does not (proc(5), VmHWM).
 */
export function peakResidentBytes(): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  } catch {
    // No /proc: another system, whose maxRSS is the process's own.
  }
  return process.resourceUsage().maxRSS * 1024;
}
