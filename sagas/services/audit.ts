import type { SagaDefinition } from '../../src/saga/definition.ts';
import type { LedgerRow } from './ledger.ts';

/** A run and how it ended, as the engine says. */
export interface AuditedRun {
  readonly id: string;
  readonly status: string;
  readonly steps: readonly AuditedStep[];
}

export interface AuditedStep {
  readonly name: string;
  /** Steps it comes directly after. */
  readonly after: readonly string[];
  /** Whether it has an effect that the ledger shows. */
  readonly effect: boolean;
  readonly undoable: boolean;
}

export interface Audit {
  /** Effects that the outcome demands and that are not there. */
  readonly lost: number;
  /** Effects there under two keys, or again after their undo. */
  readonly doubled: number;
  /** Effects that stand though the run ended without them. */
  readonly notUndone: number;
  /** Steps done before what they depend on, or undone before what depends on them. */
  readonly outOfOrder: number;
  readonly details: readonly string[];
}

/** Judges runs by the books of the services alone: it knows nothing of the engine but how each run is said to have ended. */
export function audit(rows: readonly LedgerRow[], runs: readonly AuditedRun[]): Audit {
  const byRun = Map.groupBy(rows, (row) => row.run);
  const details: string[] = [];
  const count = { lost: 0, doubled: 0, notUndone: 0, outOfOrder: 0 };
  const note = (kind: keyof typeof count, run: string, what: string): void => {
    count[kind]++;
    details.push(`${kind}: run ${run}: ${what}`);
  };
  for (const run of runs) judge(run, byRun.get(run.id) ?? [], note);
  return { ...count, details };
}

type Note = (kind: 'lost' | 'doubled' | 'notUndone' | 'outOfOrder', run: string, what: string) => void;

interface Story {
  readonly firstDone: number | undefined;
  readonly lastDone: number | undefined;
  readonly firstUndone: number | undefined;
  readonly lastUndone: number | undefined;
  readonly keys: number;
}

function judge(run: AuditedRun, rows: readonly LedgerRow[], note: Note): void {
  const stories = new Map(run.steps.map((step) => [step.name, storyOf(rows.filter((row) => row.step === step.name && row.effect === 1))]));
  for (const step of run.steps) {
    const story = stories.get(step.name) as Story;
    const stands = story.lastDone !== undefined && story.lastDone > (story.lastUndone ?? 0);
    if (run.status === 'completed' && step.effect && !stands) note('lost', run.id, `${step.name} is missing`);
    if (run.status !== 'completed' && run.status !== 'terminated' && step.undoable && stands) note('notUndone', run.id, `${step.name} still stands`);
    if (story.keys > 1) note('doubled', run.id, `${step.name} happened under ${story.keys} keys`);
    if (story.firstUndone !== undefined && (story.lastDone ?? 0) > story.firstUndone) note('doubled', run.id, `${step.name} happened again after its undo`);
    judgeOrder(run, step, stories, note);
  }
}

function judgeOrder(run: AuditedRun, step: AuditedStep, stories: ReadonlyMap<string, Story>, note: Note): void {
  const story = stories.get(step.name) as Story;
  for (const before of ancestorsOf(run.steps, step.name)) {
    const earlier = stories.get(before) as Story;
    if (story.firstDone !== undefined && earlier.firstDone !== undefined && story.firstDone < earlier.firstDone)
      note('outOfOrder', run.id, `${step.name} happened before ${before}`);
    if (story.firstUndone !== undefined && earlier.firstUndone !== undefined && earlier.firstUndone < story.firstUndone)
      note('outOfOrder', run.id, `${before} was undone before ${step.name}`);
  }
}

function storyOf(rows: readonly LedgerRow[]): Story {
  const done = rows.filter(({ kind }) => kind === 'run');
  const undone = rows.filter(({ kind }) => kind === 'undo');
  return {
    firstDone: done[0]?.n,
    lastDone: done.at(-1)?.n,
    firstUndone: undone[0]?.n,
    lastUndone: undone.at(-1)?.n,
    keys: new Set(done.map(({ key }) => key)).size,
  };
}

function ancestorsOf(steps: readonly AuditedStep[], name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (step: string): void => {
    for (const before of steps.find((other) => other.name === step)?.after ?? []) {
      if (found.has(before)) continue;
      found.add(before);
      visit(before);
    }
  };
  visit(name);
  return found;
}

/** What the auditor has to know of a saga; `pure` names steps that leave nothing in the ledger. */
export function auditedSteps({ steps }: SagaDefinition, pure: readonly string[] = []): readonly AuditedStep[] {
  return steps.map(({ name, after, kind, compensate }) => ({
    name,
    after: after.map((number) => steps[number]?.name ?? ''),
    effect: kind !== 'read' && kind !== 'sleep' && !pure.includes(name),
    undoable: compensate !== undefined,
  }));
}
