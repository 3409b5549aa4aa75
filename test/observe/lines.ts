/** A stream that keeps what pino writes, as the objects it wrote. */
export class Lines {
  readonly all: Readonly<Record<string, unknown>>[] = [];

  write(line: string): void {
    this.all.push(JSON.parse(line));
  }

  of(message: string): readonly Readonly<Record<string, unknown>>[] {
    return this.all.filter(({ msg }) => msg === message);
  }

  get text(): string {
    return JSON.stringify(this.all);
  }
}
