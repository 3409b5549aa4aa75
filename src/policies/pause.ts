/** What can be paused: the attempts of a dependency, those of a saga or workflow by its name, or all. */
export type Pausable = { readonly dependency: string } | { readonly saga: string } | 'everything';

/** While it stands, no attempt of what it names begins. */
export interface Pause {
  readonly what: Pausable;
  /** Since when, ms since 1970. */
  readonly at: number;
  readonly by: string | null;
  readonly reason: string | null;
}

/** A pause as the store keeps it: a setting by a name. */
export interface PauseControl {
  readonly name: string;
  readonly body: string;
}

const EVERYTHING = 'pause:everything';
const NAMED = /^pause:(dependency|saga):(.+)$/s;

export function controlName(what: Pausable): string {
  if (what === 'everything') return EVERYTHING;
  return 'saga' in what ? `pause:saga:${what.saga}` : `pause:dependency:${what.dependency}`;
}

export function pauseControl({ what, at, by, reason }: Pause): PauseControl {
  return { name: controlName(what), body: JSON.stringify({ at, by, reason }) };
}

/** Undefined for a setting that is no pause. */
export function readPause({ name, body }: PauseControl): Pause | undefined {
  const named = NAMED.exec(name);
  if (!named && name !== EVERYTHING) return undefined;
  const what: Pausable = !named ? 'everything' : named[1] === 'saga' ? { saga: named[2] as string } : { dependency: named[2] as string };
  const { at, by, reason } = JSON.parse(body) as Omit<Pause, 'what'>;
  return { what, at, by, reason };
}

/** `dependency airline`, `saga book-trip`, `everything` */
export function pausableText(what: Pausable): string {
  if (what === 'everything') return what;
  return 'saga' in what ? `saga ${what.saga}` : `dependency ${what.dependency}`;
}

/** The pauses that stand now. */
export class Pauses {
  #all: ReadonlyMap<string, Pause> = new Map();

  get all(): readonly Pause[] {
    return [...this.#all.values()];
  }

  set(pauses: readonly Pause[]): void {
    this.#all = new Map(pauses.map((pause) => [controlName(pause.what), pause]));
  }

  /** The widest pause that holds back an attempt; undefined if none does. */
  over({ saga, dependency }: { readonly saga?: string; readonly dependency?: string | undefined }): Pause | undefined {
    if (this.#all.size === 0) return undefined;
    return (
      this.#all.get(EVERYTHING) ??
      (saga === undefined ? undefined : this.#all.get(controlName({ saga }))) ??
      (dependency === undefined ? undefined : this.#all.get(controlName({ dependency })))
    );
  }
}
