import { type AnyMachineSnapshot, type AnyStateMachine, StateMachine } from 'xstate';
import { type Decided, decided, NO_EFFECTS, readerOf, run } from './decide.ts';
import type { RunEvent, SentEvent } from './event.ts';
import { dataOf, restore } from './snapshot.ts';
import type { Chart, RunState, StateData } from './state.ts';

/** A run as another chart has it. */
export interface CarriedState {
  readonly data: StateData;
  /** Regions that stand still, and the state of each that is entered. */
  readonly enter: readonly Entrance[];
}

export interface Entrance {
  readonly path: readonly string[];
  readonly state: string;
}

/** Nobody else can send it: the chart itself does not know it. */
const ENTER: SentEvent = { type: 'sagachart.enter' };

/**
 * The run on its new chart: what goes on goes on as it was, and what it enters begins with this commit.
 * @param chart the new one
 */
export function migrated(chart: Chart, before: RunState, event: Extract<RunEvent, { type: 'migrated' }>, { data, enter }: CarriedState, now: number): Decided {
  const seq = before.seq + 1;
  if (data.value === null) return decided(before, { seq, data, snapshot: undefined }, event, NO_EFFECTS);
  if (enter.length === 0) return decided(before, { seq, data, snapshot: restore(chart.machine, data) }, event, NO_EFFECTS);
  const machine = withEntrances(chart.machine, enter);
  const reader = readerOf(chart, data, { seq, now });
  const entered = run({ ...chart, machine }, data, { tell: [ENTER], from: restore(machine, data) }, reader);
  if (entered.status !== 'active') reader.finished();
  const { faults, seen, paused, parent, place } = data;
  const after = dataOf(entered, { children: reader.children, timers: reader.timers, rounds: reader.rounds, faults, seen, paused, parent, place });
  // Its nodes are those of the machine with the entrances: the run goes on with those of its own.
  const snapshot: AnyMachineSnapshot = after.status === 'active' ? restore(chart.machine, after) : entered;
  return decided(before, { seq, data: after, snapshot }, event, reader.effects, reader.rows);
}

interface Config {
  readonly on?: object;
  readonly states?: Readonly<Record<string, Config>>;
}

/** The same machine, in which some regions hear an event that brings them into one of their states. */
function withEntrances(machine: AnyStateMachine, enter: readonly Entrance[]): AnyStateMachine {
  const config = enter.reduce((before, { path, state }) => withEntrance(before, path, state), machine.config as Config);
  const other = new StateMachine(config as never, machine.implementations as never) as unknown as AnyStateMachine;
  other.options = machine.options;
  return other;
}

function withEntrance(config: Config, [first, ...rest]: readonly string[], state: string): Config {
  if (first === undefined) return { ...config, on: { ...config.on, [ENTER.type]: { target: `.${state}` } } };
  const states = config.states as Readonly<Record<string, Config>>;
  return { ...config, states: { ...states, [first]: withEntrance(states[first] as Config, rest, state) } };
}
