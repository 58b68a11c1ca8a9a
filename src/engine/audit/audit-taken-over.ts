/** Another audit of the same store was begun, and goes on with what this one found. */
export class AuditTakenOver extends Error {
  override readonly name = 'AuditTakenOver';

  constructor() {
    super('another audit of the store was begun meanwhile');
  }
}
