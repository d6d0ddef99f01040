/** Names of platforms, as prebuilt addons are named after them. */

/** Platforms that addons are built for. */
export const platforms = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-x64-gnu',
  'win32-x64-msvc',
] as const;

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Whether the C library is musl; matters on Linux only. */
  readonly musl: boolean;
}

/** This process's. */
export function thisMachine(): Machine {
  const { platform, arch } = process;
  return { platform, arch, musl: platform === 'linux' && !hasGlibc() };
}

/** Platform, processor and, where there are several, the C library: `linux-x64-gnu`. */
export function platformName({ platform, arch, musl }: Machine): string {
  if (platform === 'linux') return `${platform}-${arch}-${musl ? 'musl' : 'gnu'}`;
  return platform === 'win32' ? `${platform}-${arch}-msvc` : `${platform}-${arch}`;
}

/** Package that holds the prebuilt addon of a platform. */
export function addonPackage(platform: string): string {
  return `cipherloom-${platform}`;
}

function hasGlibc(): boolean {
  const report = process.report.getReport() as {
    readonly header?: { readonly glibcVersionRuntime?: string };
  };
  return report.header?.glibcVersionRuntime !== undefined;
}
