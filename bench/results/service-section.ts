/** The section of bench/RESULTS.md that `test/service/load.ts --write` writes: a row a network. */

export interface Verdict {
  readonly aim: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface LoadFigures {
  readonly network: string;
  readonly processor: string;
  readonly threads: number;
  /** ISO date, UTC. */
  readonly measuredAt: string;
  readonly clients: number;
  readonly seconds: number;
  readonly verdicts: readonly Verdict[];
}

const heading = '## The service under load';
const introduction = [
  '`node test/service/load.ts PLAN EVALUATION.keys X.ct --write NAME` measures and writes a row: a server, and clients that ask for twice',
  'what it can do, on one machine. Clients keep to one processor, the server and the evaluations that it is compared with to the others, with as',
  'many threads. The aims are compared by that command.',
];
const head =
  '| network | measured | clients, seconds | aim | measured | verdict |\n| --- | --- | --- | --- | --- | --- |';

/** The section of a page, to its end; empty where it has none. */
export function serviceSection(page: string): string {
  const from = page.indexOf(`${heading}\n`);
  return from < 0 ? '' : page.slice(from);
}

/** The page with these rows instead of those of the same network. */
export function withServiceFigures(page: string, figures: LoadFigures): string {
  const section = serviceSection(page);
  const before = page.slice(0, page.length - section.length).trimEnd();
  const kept = section
    .split('\n')
    .filter((line) => line.startsWith('| `') && !line.startsWith(`| \`${figures.network}\` `));
  const { network, measuredAt, clients, seconds, processor, threads } = figures;
  const on = `${measuredAt.slice(0, 16).replace('T', ' ')}, ${processor}, ${threads} thread${threads === 1 ? '' : 's'}`;
  const rows = figures.verdicts.map(
    ({ aim, measured, met }) =>
      `| \`${network}\` | ${on} | ${clients}, ${seconds} | ${aim} | ${measured} | ${met ? 'met' : 'not met'} |`,
  );
  return [before, '', heading, '', ...introduction, '', head, ...kept, ...rows, ''].join('\n');
}
