import type { AnySaga } from '../../saga/any-saga.ts';
import { planOf, type Simulated, type SimulateOptions, type SimulationPlan } from './plan.ts';
import { Simulation } from './simulation.ts';

/**
 * Runs a saga in a simulated world, on the real runtime: several workers on one store, on a clock that jumps, with
 * everything going wrong that can, all of it by the seed. The same seed is the same world.
 */
export async function simulate(saga: AnySaga, options: SimulateOptions): Promise<Simulated> {
  return await new Simulation(saga, planOf(options)).run();
}

/** The smallest world of a seed in which it still goes wrong: fewer dangers, fewer workers, fewer runs. */
export async function shrink(saga: AnySaga, options: SimulateOptions): Promise<{ readonly plan: SimulationPlan; readonly simulated: Simulated }> {
  let plan = planOf(options);
  let simulated = await new Simulation(saga, plan).run();
  const smaller = (): readonly SimulationPlan[] => [
    ...plan.dangers.map((danger) => ({ ...plan, dangers: plan.dangers.filter((one) => one !== danger) })),
    ...(plan.workers > 1 ? [{ ...plan, workers: 1 }] : []),
    ...[1, Math.floor(plan.runs / 2), plan.runs - 1].filter((runs) => runs >= 1 && runs < plan.runs).map((runs) => ({ ...plan, runs })),
  ];
  for (let found = true; found && simulated.wrong.length > 0; ) {
    found = false;
    for (const candidate of smaller()) {
      const again = await new Simulation(saga, candidate).run();
      if (again.wrong.length === 0) continue;
      plan = candidate;
      simulated = again;
      found = true;
      break;
    }
  }
  return { plan, simulated };
}
