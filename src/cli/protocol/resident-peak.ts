/** The most memory that this process had resident while something ran. */
export interface ResidentPeak extends Disposable {
  readonly bytes: number;
  /** Look now, besides the regular looks. */
  sample(): void;
}

/** WebAssembly's memory only grows, so few looks are missed; a look costs some microseconds. */
const sampleMs = 20;

/** Watch the resident memory of the process, all its threads together. */
export function watchResidentPeak(): ResidentPeak {
  let bytes = 0;
  const sample = (): void => {
    bytes = Math.max(bytes, process.memoryUsage.rss());
  };
  sample();
  const timer = setInterval(sample, sampleMs);
  timer.unref();
  return {
    get bytes() {
      sample();
      return bytes;
    },
    sample,
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
