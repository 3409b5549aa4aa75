import { canonical } from '../../base/encoding.ts';
import { named } from './named.ts';

/** One move of a path, as far as it can be to blame: who acted, how it ended, and the effects in the world after it. */
export interface Act {
  readonly label: string;
  /** The attempt that acted: `hotel`, `hotel.undo`. */
  readonly child: string | undefined;
  /** It said that nothing had happened. */
  readonly denied: boolean;
  readonly effects: unknown;
}

/** Who has to do with a difference that ought not to be there. */
export interface Blame {
  readonly step?: string;
  readonly text: string;
  readonly next: string;
}

/** Finds the first difference between what is there and what should be, and the attempts that made it. */
export function blame(path: readonly Act[], wanted: unknown): Blame {
  const is = leaves(path.at(-1)?.effects);
  const should = leaves(wanted);
  const place = [...new Set([...is.keys(), ...should.keys()])].find((one) => is.get(one) !== should.get(one)) ?? '';
  const changes = path.filter(({ effects }, i) => leaves(effects).get(place) !== leaves(i === 0 ? undefined : path[i - 1]?.effects).get(place));
  const acts = changes.filter(({ child }) => child !== undefined);
  const what = `${place === '' ? 'the world' : place} is ${is.get(place) ?? 'not there'} instead of ${should.get(place) ?? 'not there'}`;
  const first = acts[0];
  if (!first?.child) return { text: what, next: 'Look at the path.' };
  const [step = ''] = first.child.split('.');
  const by = `changed by: ${acts.map(({ label }) => label).join('; ')}`;
  return { step, text: `${what} (${by})`, next: advice(acts, step) };
}

function advice(acts: readonly Act[], step: string): string {
  const denied = acts.find((act) => act.denied);
  if (denied?.child)
    return `${named(denied.child)} failed with an error that says that nothing happened, but something had: make each effect a step of its own, or throw an error that is not a HardError or BusyError.`;
  const undos = acts.filter(({ child }) => child?.endsWith('.undo')).length;
  if (undos === acts.length) return `The undo of ${step} makes an effect of its own: it has to be the same when it is repeated with its undoKey.`;
  if (undos === 0) return `The undo of ${step} forgets it.`;
  return `The undo of ${step} does not bring back what was there, or is not the same when it is repeated.`;
}

/** Every value in data that is no list or record, as JSON, by its path. */
function leaves(value: unknown, path = '', all: Map<string, string> = new Map()): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) {
    if (value !== undefined) all.set(path, canonical(value));
    return all;
  }
  for (const [key, item] of Object.entries(value)) leaves(item, path === '' ? key : `${path}.${key}`, all);
  return all;
}
