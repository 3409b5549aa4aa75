import type { StepDefinition } from '../saga/definition.ts';
import type { Named, StateConfig, Transition } from './config.ts';
import { about, ended, judged, type Place, REFUSES_CANCEL, type Shape, tagged, WHILE_DRAINING } from './meta.ts';

/**
 * The states of a step over many items: one invocation, which the chart sees as one attempt. Its items are tried again
 * one by one, below the chart; what it hears is that they are done, that it failed, or that one needs a person.
 */
export function mapStates(step: StepDefinition, place: Place): Shape {
  const { name, kind, forward, why } = step;
  const fails = ['recordFailure', 'recordItems', 'fail'].map((action) => about(step, action));
  const onError: readonly Transition[] = forward
    ? [{ target: 'attention', actions: [about(step, 'recordFailure')] }]
    : kind === 'read'
      ? [{ target: 'refused', actions: fails }]
      : [
          { guard: judged(step, 'judgedFailure', 'refused'), target: 'refused', actions: fails },
          { target: 'unknown', actions: fails },
        ];
  const retry = { target: 'attempting', actions: [about(step, 'recordRetry')], description: 'begin again, with the same keys' };
  return {
    initial: 'attempting',
    states: {
      attempting: {
        description: `does ${name} for each of its items${why ? `: ${why}` : ''}${step.dependency ? ` (${step.dependency})` : ''}`,
        ...tagged(step),
        invoke: {
          id: name,
          src: name,
          input: ({ context }) => context,
          onDone: [{ target: 'succeeded', actions: [about(step, 'recordSuccess'), about(step, 'recordItems')] }],
          onError,
        },
        ...working(name, {
          on: forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: 'stopping' } },
          needs: `an item of ${name} needs a person, and the others go on: retry, skip or resolve it`,
          step,
          tags: tagged(step, 'attention'),
        }),
      },
      succeeded: ended(`all items of ${name} are done`),
      ...(forward
        ? {
            attention: {
              description: `${name} needs a person: retry, skip or resolve it`,
              ...tagged(step, 'attention'),
              on: {
                [`${name}.retry`]: retry,
                [`${name}.skip`]: { target: 'skipped', actions: [about(step, 'recordSkipped')], description: `go on without ${name}` },
                [`${name}.resolve`]: { target: 'succeeded', actions: [about(step, 'recordResolved')], description: 'a person did it: this is its result' },
                ...REFUSES_CANCEL,
              },
            },
            skipped: ended(`${name} was skipped by a person`),
          }
        : {
            refused: ended(`no item of ${name} happened`, place),
            ...(kind === 'read' ? {} : { unknown: ended(`some items of ${name} happened, or may have`, place) }),
          }),
    },
  };
}

/** The states of undoing the items that may have happened. */
export function mapUndoStates(step: StepDefinition): Record<string, StateConfig> {
  const { name, dependency } = step;
  const id = `${name}.undo`;
  return {
    attempting: {
      description: `undoes the items of ${name}, the last one first${dependency ? ` (${dependency})` : ''}`,
      invoke: {
        id,
        src: id,
        input: ({ context }) => context,
        onDone: [{ target: 'undone', actions: [about(step, 'recordUndone'), about(step, 'recordUndoItems')] }],
        onError: [],
      },
      ...working(id, {
        on: {},
        needs: `undoing an item of ${name} needs a person, and the others go on: retry, skip or resolve it`,
        step,
        tags: { tags: ['attention'] },
      }),
    },
    undone: { type: 'final', description: `the items of ${name} are undone, or a person has settled them` },
  };
}

interface Working {
  readonly step: StepDefinition;
  readonly on: NonNullable<StateConfig['on']>;
  /** What is said of it while a person is needed. */
  readonly needs: string;
  readonly tags: Pick<StateConfig, 'tags'>;
}

function working(id: string, { step: { name }, on, needs, tags }: Working): Pick<StateConfig, 'initial' | 'states'> {
  const tell = (what: string): Named => ({ type: 'tellItems', params: { child: id, what } });
  const canStop = Object.hasOwn(on, 'abort');
  return {
    initial: 'working',
    states: {
      working: { description: 'items are under way', on: { ...on, [`${id}.stuck`]: { target: 'attention' } } },
      attention: {
        description: needs,
        ...tags,
        on: {
          ...on,
          [`${name}.retry`]: { target: 'working', actions: [tell('retry')], description: 'try those again, with a fresh policy' },
          [`${name}.skip`]: { target: 'working', actions: [tell('skip')], description: 'leave those as they are' },
          [`${name}.resolve`]: { target: 'working', actions: [tell('resolve')], description: 'a person did those: this is the result of each' },
        },
      },
      ...(canStop
        ? {
            stopping: {
              description: 'begins no more items, and waits for those under way; their results still count',
              entry: [{ type: 'tellToStop', params: { child: id } }],
            },
          }
        : {}),
    },
  };
}
