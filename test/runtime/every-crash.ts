import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Definition } from '../../src/definitions.ts';
import { HardError } from '../../src/index.ts';
import { FileWorld, type setting } from '../promises/setting.ts';

/** Services that honor keys: what stands in them, by the key of the run that did it. */
export class Books {
  readonly entries: Map<string, 'done' | 'undone'>;
  /** What was called, in order, by step; `release` for an undo. */
  readonly calls: string[] = [];
  /** Steps that are refused. */
  readonly refused = new Set<string>();

  constructor(entries: ReadonlyMap<string, 'done' | 'undone'> = new Map()) {
    this.entries = new Map(entries);
  }

  /** A step with an effect, and its undo. */
  readonly run = ({ key }: { readonly key: string }): string => {
    this.calls.push(nameOf(key));
    if (this.refused.has(nameOf(key)) || this.entries.get(key) === 'undone') throw new HardError(`${nameOf(key)} is refused`);
    this.entries.set(key, 'done');
    return nameOf(key);
  };
  readonly undo = ({ runKey }: { readonly runKey: string }): void => {
    this.calls.push(`${nameOf(runKey)}.undo`);
    this.entries.set(runKey, 'undone');
  };

  /** `r/payment: book`, for all that stands. */
  get standing(): readonly string[] {
    return [...this.entries]
      .filter(([, state]) => state === 'done')
      .map(([key]) => `${decodeURIComponent(key.split('/')[1] ?? '')}: ${nameOf(key)}`)
      .sort();
  }
}

function nameOf(key: string): string {
  return key.split('/')[3] ?? '';
}

/** What a story came to: how each run ended, and what stands. */
export interface Came {
  readonly ends: Readonly<Record<string, string>>;
  readonly standing: readonly string[];
}

interface Story {
  readonly sagas: readonly Definition[];
  /** Steps that are refused. */
  readonly refused?: readonly string[];
  /** What is asked for; once more by whoever goes on after a crash. */
  tell(world: FileWorld): Promise<void>;
}

/**
 * Plays a story to its end, and then once for each batch that it committed: right after that the process has died, and
 * another goes on with the file as it was, and with the books as they were.
 * @returns what it came to without a crash, and with each
 */
export async function withEachCrash(stage: ReturnType<typeof setting>, story: Story): Promise<{ readonly plain: Came; readonly crashed: readonly Came[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'sagachart-crashes-'));
  const world = stage.keep(new FileWorld(join(directory, 'runs.db')), directory);
  const books = booksOf(story);
  const left: { readonly path: string; readonly books: Books; readonly now: number }[] = [];
  const commit = world.store.commit.bind(world.store);
  world.store.commit = async (batch) => {
    const verdicts = await commit(batch);
    const path = join(directory, `after-${left.length}.db`);
    for (const end of ['', '-wal']) if (existsSync(world.path + end)) copyFileSync(world.path + end, path + end);
    left.push({ path, books: booksOf(story, books), now: world.clock.now() });
    return verdicts;
  };
  const plain = await play(world, story, books);
  const crashed: Came[] = [];
  for (const one of left) {
    const next = stage.keep(new FileWorld(one.path));
    await next.clock.advance(one.now - next.clock.now());
    crashed.push(await play(next, story, one.books));
  }
  return { plain, crashed };
}

function booksOf({ refused = [] }: Story, before?: Books): Books {
  const books = new Books(before?.entries);
  for (const step of refused) books.refused.add(step);
  return books;
}

async function play(world: FileWorld, story: Story, books: Books): Promise<Came> {
  await world.open(story.sagas, { services: books });
  await story.tell(world);
  await world.clock.advance(3_600_000);
  const rows = await world.store.list({});
  const pending = await world.store.pending(0, 10);
  const came = {
    ends: Object.fromEntries(rows.map(({ id, status }) => [id, status]).reverse()),
    standing: books.standing,
    ...(pending.length > 0 ? { pending } : {}),
    ...(world.engine.load().runs > 0 ? { inMemory: world.engine.load().runs } : {}),
  };
  await world.close();
  return came;
}
