/**
 * How many images an example shows: its one argument, at most as many as lie there.
 *
 * Anything but a number from 1 to `most` ends the program with the reason and exit code 2.
 */
export function countArgument(
  given: string | undefined,
  { otherwise, most }: { readonly otherwise: number; readonly most: number },
): number {
  if (given === undefined) return otherwise;
  const count = /^\d{1,4}$/.test(given) ? Number(given) : NaN;
  if (count >= 1 && count <= most) return count;
  process.stderr.write(
    `${JSON.stringify(given)} is no number of images: ${most} lie here, give 1 to ${most}\n`,
  );
  process.exit(2);
}
