import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { sqlite } from '../../src/index.ts';
import { decodeEntry, type Entry } from '../../src/kernel/entry.ts';
import type { Batch, CommitVerdict, Store } from '../../src/stores/store.ts';
import type { ManualClock } from '../../src/testing/index.ts';
import { World } from '../runtime/harness.ts';

/** A world whose store is a file. */
export class FileWorld extends World {
  readonly path: string;

  constructor(path: string) {
    super(() => sqlite(path));
    this.path = path;
  }
}

/** The worlds of one test, closed and removed after it. */
class Setting {
  readonly #worlds: World[] = [];
  readonly #directories: string[] = [];

  memory(): World {
    return this.#keep(new World());
  }

  /** A worker on a store that others use too, with a clock of its own that shows what `now` does and then stands still: a frozen process. */
  async worker(store: Store, now: ManualClock): Promise<World> {
    const world = this.#keep(new World(() => store));
    await world.clock.advance(now.now() - world.clock.now());
    return world;
  }

  file(): FileWorld {
    return this.#keep(new FileWorld(join(this.#directory(), 'runs.db')));
  }

  /** What a power cut now would leave: the file and its log as they are, for another engine. Its clock goes on from there. */
  async crashed({ path, clock }: FileWorld): Promise<FileWorld> {
    const copy = join(this.#directory(), 'runs.db');
    for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end);
    const world = this.#keep(new FileWorld(copy));
    await world.clock.advance(clock.now() - world.clock.now());
    return world;
  }

  async clean(): Promise<void> {
    for (const world of this.#worlds.splice(0).reverse()) if (world.engine) await world.close();
    for (const directory of this.#directories.splice(0)) rmSync(directory, { recursive: true });
  }

  #directory(): string {
    const directory = mkdtempSync(join(tmpdir(), 'sagachart-promise-'));
    this.#directories.push(directory);
    return directory;
  }

  /** A world made elsewhere, and the directory it is in. */
  keep<W extends World>(world: W, directory?: string): W {
    if (directory !== undefined) this.#directories.push(directory);
    return this.#keep(world);
  }

  #keep<W extends World>(world: W): W {
    this.#worlds.push(world);
    return world;
  }
}

export function setting(): Setting {
  const made = new Setting();
  afterEach(() => made.clean());
  return made;
}

/** Sees every batch of a store, and holds them back while it is told to: the disk that has not answered yet. */
export class Disk {
  readonly batches: Batch[] = [];
  #held: (() => void)[] | undefined;

  constructor(store: Store) {
    const commit = store.commit.bind(store);
    store.commit = async (batch): Promise<readonly CommitVerdict[]> => {
      this.batches.push(batch);
      if (this.#held) await new Promise<void>((resolve) => this.#held?.push(resolve));
      return await commit(batch);
    };
  }

  hold(): void {
    this.#held = [];
  }

  async release(clock: ManualClock): Promise<void> {
    const waiting = this.#held ?? [];
    this.#held = undefined;
    for (const go of waiting) go();
    await clock.settle();
  }
}

/** Whether a promise has resolved, to be looked at without waiting for it. */
export function settledOf(promise: Promise<unknown>): { done: boolean } {
  const seen = { done: false };
  void promise.then(() => {
    seen.done = true;
  });
  return seen;
}

export async function journalOf(store: Store, id: string): Promise<readonly (Entry & { readonly seq: number })[]> {
  const row = await store.find(id);
  const entries = row ? await store.journal(row.number) : [];
  return entries.map((stored) => ({ seq: stored.seq, ...decodeEntry(stored) }));
}

/** The journal in short: `succeeded a`, `failed a.undo`, `due`. */
export async function happened(store: Store, id: string): Promise<readonly string[]> {
  return (await journalOf(store, id)).map(({ event }) => ('child' in event ? `${event.type} ${event.child}` : event.type));
}
