import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { type Pausable, type Pause, pausableText } from '../policies/pause.ts';
import { liftPause, readPauses, setPause } from '../runtime/pause-setting.ts';
import type { Store } from '../stores/store.ts';
import { type CommonOptions, withStore } from './actions.ts';
import { type Output, print } from './output.ts';

export interface PauseOptions extends CommonOptions {
  readonly dependency?: string | undefined;
  readonly saga?: string | undefined;
  readonly everything?: true | undefined;
}

interface Reason {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

export async function pause(output: Output, options: PauseOptions & Reason): Promise<void> {
  const what = whatOf('pause', options);
  const { by, reason } = options;
  const operator = { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
  await withStore(options, async ({ programs, store }) => {
    await setPause(store, { programs, what, by: operator, at: systemClock.now() });
    await printPauses(output, store);
  });
}

export async function resume(output: Output, options: PauseOptions): Promise<void> {
  const what = whatOf('resume', options);
  await withStore(options, async ({ store }) => {
    await liftPause(store, what);
    await printPauses(output, store);
  });
}

export async function paused(output: Output, options: CommonOptions): Promise<void> {
  await withStore(options, async ({ store }) => await printPauses(output, store));
}

function whatOf(command: string, { dependency, saga, everything }: PauseOptions): Pausable {
  const given: readonly Pausable[] = [
    ...(dependency === undefined ? [] : [{ dependency }]),
    ...(saga === undefined ? [] : [{ saga }]),
    ...(everything ? (['everything'] as const) : []),
  ];
  if (given.length === 1) return given[0] as Pausable;
  throw new SagachartError('SC_USAGE', `${command} was told ${given.length === 0 ? 'nothing' : given.map(pausableText).join(' and ')} to ${command}`, {
    next: 'Give one of --dependency <name>, --saga <name> and --everything.',
    details: { given: given.length },
  });
}

async function printPauses(output: Output, store: Store): Promise<void> {
  const pauses = (await readPauses(store)).map(pauseObject);
  print(output, { paused: pauses }, () => (pauses.length === 0 ? ['nothing is paused'] : pauses.map(pauseLine)));
}

function pauseObject({ what, at, by, reason }: Pause) {
  const [[kind, name] = ['everything', null]] = typeof what === 'object' ? Object.entries(what) : [];
  return { what: kind, name, at: new Date(at).toISOString(), by, reason };
}

function pauseLine({ what, name, at, by, reason }: ReturnType<typeof pauseObject>): string {
  return [
    `${what}${name === null ? '' : ` ${name}`} is paused since ${at}`,
    ...(by === null ? [] : [` by ${by}`]),
    ...(reason === null ? [] : [`: ${reason}`]),
  ].join('');
}
