import type { Left } from '../../chart/context.ts';
import { decodeEntry, rebuild } from '../../kernel/entry.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import type { RunRow, Store } from '../../stores/store.ts';
import type { Wrong } from './oracle.ts';

const UNDONE: ReadonlySet<string> = new Set(['compensated', 'canceled', 'failed', 'terminated']);

/** Judges a run and those of its children together: what a child did stands exactly when its parent's step does. */
export async function judgeFamily(store: Store, { steps }: SagaDefinition, row: RunRow, rows: readonly RunRow[]): Promise<readonly Wrong[]> {
  const { base, entries } = await store.load(row.number);
  const data = rebuild(base, entries.map(decodeEntry));
  const left = (data.output as { readonly left?: readonly Left[] } | undefined)?.left ?? [];
  const wrong: Wrong[] = [];
  const tell = (message: string): void => void wrong.push({ rule: 'undone as a unit', run: row.id, message: `${message}; it ended as ${row.status}` });
  for (const { name, child } of steps) {
    if (!child) continue;
    // What was left in it, by a person or because it was ended, is listed.
    if (left.some(({ step }) => step === name || step.startsWith(`${name}/`))) continue;
    const runs = rows.filter(({ id, labels }) => labels.parent === row.id && id.startsWith(`${row.id}/${name}`));
    const [one] = runs;
    if (runs.length > 1) tell(`${name} has ${runs.length} runs`);
    // A person may have ended it when it was done, and waited to hear that it stays so.
    const kept = one && (one.status === 'completed' || one.status === 'terminated');
    if (row.status === 'completed' && !kept) tell(`${name} is ${one?.status ?? 'not there'}`);
    if (UNDONE.has(row.status) && row.status !== 'terminated' && one && !UNDONE.has(one.status)) tell(`${name} is ${one.status}`);
  }
  return wrong;
}
