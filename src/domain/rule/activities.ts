/** What transfers of rules that say nothing else are for. */
export const RULE_ACTIVITY_DEFAULT = 'rules';
/** Of the rule by which an upload keeps what it brought. */
export const UPLOAD_ACTIVITY = 'upload';

/** Behind writes and reads that miss: what a rule brings is waited for by nobody. */
export const RULE_PRIORITY_DEFAULT = 4;
