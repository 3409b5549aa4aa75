import type { Failure } from '../../base/failure.ts';
import type { SagaContext } from '../../chart/context.ts';
import type { Parent } from '../../kernel/event.ts';
import type { RunState } from '../../kernel/state.ts';
import { effectAt, leftTo } from './effects.ts';
import type { Move } from './moves.ts';
import { named } from './named.ts';
import type { Performer } from './perform.ts';
import type { Running } from './running.ts';
import type { Subject } from './subject.ts';

/** Who has begun a nested saga that is gone through by itself. */
export const PARENT: Parent = { run: 'parent', child: 'child', at: [1, 0] };

/**
 * How a child can end, one effect standing for all that it does: done or undone, or nothing of it happened, or it has
 * left something that a person knows of. No crash changes it, and nobody is left without an answer.
 */
export async function childMoves(subject: Subject, performer: Performer, running: Running, state: RunState, world: unknown): Promise<readonly Move[]> {
  const { id, child } = running;
  const about = { child: id, at: child.at };
  const [step = '', what] = id.split('.');
  const [done] = await performer.answers(running, world);
  const effect = subject.definition ? effectAt(subject.definition, state.data.context as SagaContext, step) : step;
  const after = subject.own ? world : leftTo(world, [effect]);
  const left = [{ step: `${step}/step`, what: what === 'undo' ? 'undo skipped' : 'run skipped' }];
  const failure = (how: Failure['effect']): Failure => ({
    code: 'SC_CHILD_FAILED',
    type: 'SagachartError',
    message: 'the child failed',
    class: 'hard',
    effect: how,
  });
  const begun = { events: [{ type: 'succeeded' as const, ...about, output: undefined }], world: done?.world ?? world, faults: 0 };
  return [
    { label: `${named(id)} succeeds`, ...begun },
    { label: `${named(id)} is refused`, events: [{ type: 'failed', ...about, error: failure('none') }], world, faults: 1 },
    what === 'undo'
      ? { label: `${named(id)} succeeds, and leaves something`, events: [{ ...begun.events[0], left } as never], world: after, faults: 1 }
      : { label: `${named(id)} fails, and leaves something`, events: [{ type: 'failed', ...about, error: failure('maybe'), left }], world: after, faults: 1 },
  ];
}

/** What the parent of a run may say that is done, and waits for it. */
export function parentMoves({ snapshot }: RunState, world: unknown): readonly Move[] {
  if (!snapshot?.hasTag('held')) return [];
  return [
    { label: 'its parent has ended', events: [{ type: 'sent', event: { type: 'release' } }], world, faults: 0 },
    { label: 'its parent has it undone', events: [{ type: 'sent', event: { type: 'undo' }, parent: { ...PARENT, at: [2, 0] } }], world, faults: 1 },
  ];
}
