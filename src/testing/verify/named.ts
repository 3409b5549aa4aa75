/** `hotel.undo` as people say it. */
export function named(id: string): string {
  const [step, what] = id.split('.');
  return what === undefined ? id : `${what} of ${step}`;
}
