import type { Report } from '../../backend/report/build-report.ts';
import { byteText } from './figures.ts';

/** What a budget of keys costs, in one line. */
export function keyBudgetText(budget: NonNullable<Report['keyBudget']>): string {
  const { budgetBytes, unlimitedKeyBytes, unlimitedRotationKeys, composedRotations, slowdown } =
    budget;
  return [
    `${byteText(budgetBytes)} allowed; ${unlimitedRotationKeys} keys of ${byteText(unlimitedKeyBytes)} would leave none out`,
    `${composedRotations} rotations are made of others`,
    ...(slowdown === null ? [] : [`${slowdown.toFixed(2)} times the time, modelled`]),
  ].join(', ');
}

/** The keys that are kept, by the data primes that they serve. */
export function keptKeysText(
  rotations: readonly { readonly step: number; readonly primes: number }[],
): string {
  const byPrimes = Map.groupBy(rotations, ({ primes }) => primes);
  return [...byPrimes]
    .sort(([a], [b]) => b - a)
    .map(([primes, keys]) => `  ${primes} data primes: ${keys.map(({ step }) => step).join(', ')}`)
    .join('\n');
}
