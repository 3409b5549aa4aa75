// cspell:ignore prefault nonoptional
import { containsMark, isMarked, layersOf, MOST_SCHEMAS, partsOf, present, reshapes, type Schema } from './schema-walk.ts';

/** What a value is like, as far as schemas tell it apart. */
export type Kind = 'nothing' | 'leaf' | 'list' | 'record' | 'map' | 'set';

const LEAF: readonly Kind[] = ['leaf'];
const ALL: readonly Kind[] = ['leaf', 'list', 'record', 'map', 'set'];
/** Of these the layers say what they describe. */
const WRAPPERS = 'optional nullable default prefault catch readonly nonoptional promise lazy pipe union intersection transform'.split(' ');
/** What a type of schema describes; one that is not named describes a leaf. */
const DESCRIBES: Readonly<Record<string, readonly Kind[]>> = {
  ...Object.fromEntries(WRAPPERS.map((type) => [type, []])),
  any: ALL,
  unknown: ALL,
  custom: ALL,
  object: ['record'],
  record: ['record'],
  array: ['list'],
  tuple: ['list'],
  map: ['map'],
  set: ['set'],
};

/** Schemas that may describe a place. */
interface View {
  readonly schemas: ReadonlySet<Schema>;
  /** They describe what went into a transform: what they do not know may be what was sensitive, under another name. */
  readonly strict: boolean;
}

interface Seeds {
  readonly seeds: readonly Schema[];
  readonly strict: boolean;
}

/** A place in a value, with every schema that may describe it: which option of a union holds there is not decided. */
export class Place {
  readonly #views: readonly View[];
  readonly #below = new Map<string | number, Place>();
  readonly #hidden = new Map<Kind, boolean>();

  private constructor(views: readonly View[]) {
    this.#views = views;
  }

  /** The whole value. What is no schema of zod says nothing. */
  static of(schema: unknown): Place {
    return isSchema(schema) && containsMark(schema) ? Place.#from([{ seeds: [schema], strict: false }]) : new Place([]);
  }

  static #from(parts: readonly Seeds[]): Place {
    const views: View[] = [];
    const reshaped = new Set<Schema>();
    // Grows while it is gone through, as the sets do.
    const queue = [...parts];
    for (const { seeds, strict } of queue) {
      const schemas = new Set(seeds);
      for (const schema of schemas) {
        if (schemas.size > MOST_SCHEMAS) break;
        for (const layer of layersOf(schema)) schemas.add(layer);
        if (reshaped.has(schema)) continue;
        reshaped.add(schema);
        const ends = markedEnds(schema);
        if (ends.length > 0) queue.push({ seeds: ends, strict: true });
      }
      if ((strict || schemas.size > 0) && !views.some((view) => view.strict === strict && isSame(view.schemas, schemas))) views.push({ schemas, strict });
    }
    return views.length > 0 ? new Place(views) : new Place([]);
  }

  /** Whether nothing may be seen of a value of this kind here: it is marked, or it is not what the schemas say and may hold what is. */
  hides(kind: Kind): boolean {
    const before = this.#hidden.get(kind);
    if (before !== undefined) return before;
    const hidden = this.#views.some((view) => viewHides(view, kind));
    this.#hidden.set(kind, hidden);
    return hidden;
  }

  /** Whether the names themselves are sensitive: the keys of a record or a map. */
  get hidesKeys(): boolean {
    return this.#views.some(({ schemas }) => [...schemas].some((schema) => Place.of(partsOf(schema).keyType).hides('leaf')));
  }

  at(key: string): Place {
    const named = this.#views.some(({ schemas }) => [...schemas].some((schema) => shapeOf(schema, key)));
    return this.#go(named ? `.${key}` : '*', (schema, strict) => {
      const { catchall, valueType } = partsOf(schema);
      // After a transform a name that only a catch-all takes is a new one.
      return [shapeOf(schema, key) ?? (strict && catchall && !containsMark(catchall) ? undefined : catchall), valueType];
    });
  }

  item(index: number): Place {
    const longest = Math.max(0, ...this.#views.flatMap(({ schemas }) => [...schemas].map((schema) => partsOf(schema).items?.length ?? 0)));
    return this.#go(Math.min(index, longest), (schema) => {
      const { element, items, rest, valueType } = partsOf(schema);
      return [element, items?.[index] ?? rest, valueType];
    });
  }

  #go(key: string | number, step: (schema: Schema, strict: boolean) => readonly (Schema | null | undefined)[]): Place {
    if (this.#views.length === 0) return this;
    const before = this.#below.get(key);
    if (before) return before;
    const place = Place.#from(
      this.#views.map(({ schemas, strict }) => ({
        strict,
        seeds: [...schemas].flatMap((schema) => (strict && isOpen(schema) ? [schema] : present(step(schema, strict)))),
      })),
    );
    this.#below.set(key, place);
    return place;
  }
}

function viewHides({ schemas, strict }: View, kind: Kind): boolean {
  const all = [...schemas];
  if (all.some(isMarked)) return true;
  if (kind === 'nothing') return false;
  const fits = all.some((schema) => kindsOf(schema).includes(kind));
  return all.some(containsMark) ? !fits || (strict && kind === 'leaf') : strict && !fits;
}

/** The ends of a pipe that know what is sensitive, if what comes out of it may be of another form. */
function markedEnds(schema: Schema): readonly Schema[] {
  const { in: from, out } = partsOf(schema);
  return from && out && (containsMark(from) || containsMark(out)) && reshapes(schema) ? [from, out].filter(containsMark) : [];
}

function isSchema(given: unknown): given is Schema {
  return (typeof given === 'object' && given !== null) || typeof given === 'function';
}

function kindsOf(schema: Schema): readonly Kind[] {
  return DESCRIBES[partsOf(schema).type ?? ''] ?? LEAF;
}

function isOpen(schema: Schema): boolean {
  return kindsOf(schema) === ALL;
}

function shapeOf(schema: Schema, key: string): Schema | undefined {
  const { shape } = partsOf(schema);
  return shape && Object.hasOwn(shape, key) ? shape[key] : undefined;
}

function isSame(a: ReadonlySet<Schema>, b: ReadonlySet<Schema>): boolean {
  return a.size === b.size && [...a].every((schema) => b.has(schema));
}
