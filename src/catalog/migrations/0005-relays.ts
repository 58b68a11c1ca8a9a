/** Who waits for a copy on the way: looked up whenever a copy is over, and nearly always nobody. */
export function relayIndex(): readonly string[] {
  return ["create index request_awaiting on request (version, source) where state = 'WAITING'"];
}
