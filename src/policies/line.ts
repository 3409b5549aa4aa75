interface Place<T> {
  readonly item: T;
  before: Place<T> | undefined;
  after: Place<T> | undefined;
}

/** First in, first out; whoever stands in it can leave it from anywhere. Each costs the same however long the line is. */
export class Line<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Goes to the end. Returns the way out, which does nothing once it has been taken or shifted. */
  push(item: T): () => void {
    const place: Place<T> = { item, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = place;
    else this.#first = place;
    this.#last = place;
    return this.#joined(place);
  }

  /** Goes before all others. */
  unshift(item: T): () => void {
    const place: Place<T> = { item, before: undefined, after: this.#first };
    if (this.#first) this.#first.before = place;
    else this.#last = place;
    this.#first = place;
    return this.#joined(place);
  }

  /** Takes the first one out. */
  shift(): T | undefined {
    const place = this.#first;
    if (place) this.#remove(place);
    return place?.item;
  }

  #joined(place: Place<T>): () => void {
    this.#size++;
    return () => this.#remove(place);
  }

  #remove(place: Place<T>): void {
    const { before, after } = place;
    if (before === undefined && this.#first !== place) return;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    place.before = undefined;
    place.after = undefined;
    this.#size--;
  }
}
