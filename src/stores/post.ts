export interface InboxEntry {
  /** Unique; a second entry with it adds nothing. */
  readonly id: string;
  /** Id of the run it is for. */
  readonly run: string;
  /** What it asks for: encoded. */
  readonly body: string;
  readonly at: number;
}

/** What became of an entry for the inbox: its number, or that of the one that had its id. */
export interface Posted {
  readonly number: number;
  readonly duplicate: boolean;
}

export interface InboxRow extends InboxEntry {
  readonly number: number;
  readonly answeredAt: number | null;
  readonly answer: string | null;
}

export interface OutboxEntry {
  /** What it is about. */
  readonly topic: string;
  readonly body: string;
  /** Where it goes: each sink gets a row of its own. */
  readonly sinks: readonly string[];
}

/** The commit that wrote it and its place in it, and the sink that it is for. */
export interface OutboxKey {
  readonly run: number;
  readonly seq: number;
  readonly n: number;
  readonly sink: string;
}

export interface OutboxRow extends OutboxKey {
  readonly topic: string;
  readonly body: string;
  readonly at: number;
  /** How often it was taken. */
  readonly attempts: number;
  /** When it may be taken, ms since 1970; 0: at once. */
  readonly due: number;
}

export interface OutboxMark extends OutboxKey {
  /** When it is to be tried again, ms since 1970; null: it was delivered. */
  readonly due: number | null;
}
