/** Longer ones are cut: a reason is a sentence, not a log. */
const LENGTH_MAX = 300;

/**
 * What a server said, as a message may repeat it: on one line, without the token it was sent, and its URLs without passwords and
 * without queries, which is where presigned ones carry their signature.
 */
export function withoutSecrets(text: string, token: string | undefined): string {
  const named = token === undefined || token === '' ? text : text.replaceAll(token, '…');
  const line = named
    .replaceAll(/\b([a-z][a-z\d+.-]*:\/\/)[^\s/@]*@/gi, '$1')
    .replaceAll(/\b([a-z][a-z\d+.-]*:\/\/[^\s?]*)\?\S*/gi, '$1?…')
    .replaceAll(/\b(bearer|authorization:?)\s+\S+/gi, '$1 …')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX)}…` : line;
}
