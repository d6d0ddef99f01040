/**
 * Times of plans on one thread, in processor time: a shared machine interrupts a run, but does not
 * count what others took. Their load on caches and memory still shows, so a reference is measured in
 * turn with every plan, and times are given in multiples of it.
 */
import { Client } from '../../src/client/index.ts';
import { compile } from '../../src/compile.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { workingSet } from '../../src/backend/seal/working-set.ts';
import { programWork } from '../../src/backend/cost/program-work.ts';
import type { ProgramWork } from '../../src/backend/cost/program-work.ts';
import type { CompiledModel, CompileRequest, ModelSource } from '../../src/compile.ts';
import type { Evaluator } from '../../src/passes/cost/linear-work.ts';
import { InferenceSession } from '../../src/server/index.ts';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

/** Seconds of processor time of all threads of this process. */
export async function processorSeconds(body: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** A plan with a request: `run` evaluates it, `first` says what the first execution took. */
export interface ReadyPlan extends AsyncDisposable {
  readonly model: CompiledModel;
  readonly work: ProgramWork;
  readonly first: number;
  readonly run: () => Promise<number>;
}

/** Compile a model and make keys and a request for it. */
export async function preparePlan(
  source: ModelSource,
  request: CompileRequest,
  inputs: (model: CompiledModel) => Record<string, Float64Array<ArrayBuffer>>,
): Promise<{
  readonly model: CompiledModel;
  readonly open: (evaluator: Evaluator) => Promise<ReadyPlan>;
}> {
  const model = await compile(source, request);
  const client = Client.load(model.client);
  const evaluationKeys = await (await client.generateKeys()).evaluationKeys.bytes();
  const ciphertexts = await client.encrypt(inputs(model));
  const prepared = prepareProgram(model.program);
  return {
    model,
    async open(evaluator) {
      const session = await InferenceSession.create(model.plan, {
        backend: evaluator,
        evaluationKeys,
        threads: 1,
      });
      const kept = evaluator === 'seal' ? (await workingSet(prepared)).plaintextCapBytes : Infinity;
      const run = (): Promise<number> => processorSeconds(() => session.run(ciphertexts));
      return {
        model,
        work: programWork(prepared, evaluator, kept),
        first: await run(),
        run,
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}

export interface Timing {
  /** Seconds of an execution, and of the reference beside it: medians. */
  readonly seconds: number;
  readonly reference: number;
  /** Median of their ratios. */
  readonly ratio: number;
}

/** Time a plan in turn with a reference: at least three times, until both took `least` seconds. */
export async function timeBeside(
  plan: ReadyPlan,
  reference: ReadyPlan,
  least: number,
): Promise<Timing> {
  const seconds: number[] = [];
  const references: number[] = [];
  const ratios: number[] = [];
  for (let total = 0; seconds.length < 3 || total < least;) {
    const own = await plan.run();
    // Often enough that the reference is as exact as the plan.
    const beside: number[] = [];
    for (let sum = 0; beside.length < 3 || (sum < own && beside.length < 20);) {
      const once = await reference.run();
      beside.push(once);
      sum += once;
    }
    const one = median(beside);
    seconds.push(own);
    references.push(one);
    ratios.push(own / one);
    total += own;
  }
  return { seconds: median(seconds), reference: median(references), ratio: median(ratios) };
}
