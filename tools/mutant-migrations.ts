import { z } from 'zod';
import type { Definition } from '../src/definitions.ts';
import { HardError, memory, saga, sagachart } from '../src/index.ts';
import type { Sagachart } from '../src/sagachart.ts';
import { ManualClock } from '../src/testing/manual-clock.ts';

interface Scope {
  readonly key: string;
}

/** What stands in the services, by the key of the run that did it, and what is wrong with that. */
class Ledger {
  readonly standing = new Map<string, string>();
  readonly wrong: string[] = [];

  run(step: string): (scope: Scope) => string {
    return ({ key }) => {
      const other = this.standing.get(key);
      if (other !== undefined && other !== step) this.wrong.push(`${key} was used for ${other} and for ${step}`);
      this.standing.set(key, step);
      return step;
    };
  }

  readonly undo = {
    compensate: ({ runKey, outcome }: { readonly runKey: string; readonly outcome: { readonly result?: unknown } }): void => {
      if (outcome.result !== this.standing.get(runKey)) this.wrong.push(`${runKey} was undone without its result`);
      if (!this.standing.delete(runKey)) this.wrong.push(`${runKey} was undone, and nobody did it`);
    },
  };
}

const refuse = (): never => {
  throw new HardError('no');
};
const trip = (version: number, migrations: object = {}) => saga('trip', { version, input: z.unknown(), signals: { go: z.unknown() }, ...migrations });

/** Says what is wrong with how runs are carried over to other versions, and how those are rolled out. */
export async function wrongMigration(): Promise<string | null> {
  return (await carriedOver()) ?? (await undoKept()) ?? (await waits()) ?? (await takenBack());
}

async function opened(sagas: readonly Definition[], alerts: string[] = []): Promise<{ readonly engine: Sagachart; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const sink = { name: 'told', send: ({ kind }: { readonly kind: string }) => void alerts.push(kind) };
  const engine = await sagachart({ sagas, store: memory({ clock }), clock, log: { level: 'silent' }, pollEvery: '10m', alerts: [sink] } as never);
  return { engine: engine as Sagachart, clock };
}

/** One with another name, elements under another number, a new step on each side, and one under the name that is free now. */
async function carriedOver(): Promise<string | null> {
  const ledger = new Ledger();
  const { undo } = ledger;
  const bags = () => [1, 2, 3];
  const v1 = trip(1).step('hotel', ledger.run('hotel'), undo).map('bags', bags, ledger.run('bags'), undo).waitFor('go').step('pay', ledger.run('pay'), undo);
  const v2 = trip(2, { migrations: [{ from: 1, steps: { hotel: 'room' }, passed: { look: () => 1 } }] })
    .read('look', () => 0)
    .step('room', ledger.run('hotel'), undo)
    .map('bags', bags, ledger.run('bags'), undo)
    .waitFor('go')
    .step('hotel', ledger.run('another hotel'), undo)
    .step('pay', refuse, undo);
  const { engine, clock } = await opened([v1, v2] as never);
  await engine.start('trip', null, { id: 'r', version: 1 });
  await clock.settle();
  const { migrated } = await engine.migrate('trip');
  await engine.run('r').signal('go', 1);
  await clock.advance(600_000);
  const { status, version } = await engine.run('r').status();
  const left = [...ledger.standing.values()];
  if (migrated !== 1 || version !== 2 || status !== 'compensated') return `a run that was carried over is ${status} on version ${version}`;
  return ledger.wrong[0] ?? (left.length > 0 ? `${left.join(', ')} still stand` : null);
}

async function undoKept(): Promise<string | null> {
  const ledger = new Ledger();
  const v1 = trip(1).step('hotel', ledger.run('hotel'), ledger.undo).waitFor('go');
  const { engine, clock } = await opened([v1, trip(2).waitFor('go')] as never);
  await engine.start('trip', null, { id: 'r', version: 1 });
  await clock.settle();
  const { migrated } = await engine.migrate('trip', { dryRun: true });
  return migrated === 0 ? null : 'a run was carried over without the undo of what it did';
}

async function waits(): Promise<string | null> {
  const v1 = trip(1).sleep('night', '8h');
  const v2 = trip(2, { migrations: [{ from: 1, steps: { night: 'rest' } }] }).sleep('rest', '8h');
  const { engine, clock } = await opened([v1, v2] as never);
  await engine.start('trip', null, { id: 'r', version: 1 });
  await clock.advance(4 * 3_600_000);
  await engine.migrate('trip');
  await clock.advance(4 * 3_600_000 + 1_000);
  const { status } = await engine.run('r').status();
  return status === 'completed' ? null : `a run that has slept enough is ${status}`;
}

async function takenBack(): Promise<string | null> {
  const alerts: string[] = [];
  const { engine, clock } = await opened([trip(1).pivot('go', () => 1), trip(2).pivot('go', refuse)] as never, alerts);
  await engine.rollout('trip', { version: 2, share: 1, rollback: { failureRate: 0.5, after: 3 } });
  for (const id of ['a', 'b', 'c']) await engine.start('trip', null, { id });
  await clock.advance(60_000);
  const [rollout] = engine.rollouts();
  if (rollout?.share !== 0) return 'a version that always fails was not taken back';
  const told = alerts.filter((kind) => kind === 'rollback').length;
  return told === 1 ? null : `that a version was taken back was told ${told} times`;
}
