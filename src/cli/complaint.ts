/** What the command line itself is refused with. `elsewhere`: options of other programs, and what does here what they do there. */
export function tellComplaint(
  text: string,
  write: (text: string) => void,
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  const told = text
    .replace(/^error: /, '')
    .replace(/^command-argument value (.*) is invalid for argument (.*?)\./, 'argument $2: $1 is invalid.');
  const option = /^unknown option '(.*)'/.exec(told)?.[1]?.replace(/=.*$/s, '') ?? '';
  const advice = Object.hasOwn(elsewhere, option) ? elsewhere[option] : undefined;
  write(`pando: ${advice === undefined ? told : `unknown option '${option}'\n(${advice})\n`}`);
}
