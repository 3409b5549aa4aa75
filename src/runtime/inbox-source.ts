/** Where the entries of the inbox come from: told what became of them. */
export interface InboxSource {
  /** It has been answered, or is part of a commit. */
  done(number: number): void;
  /** There is more, which a commit of this process has written. */
  arrived(): void;
  /** Nothing became of it, and it is to be handled again later. */
  again(number: number): void;
}
