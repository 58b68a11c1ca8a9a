/** Nothing is called so, and a store that answers says that. */
export const PROBE_KEY = '.pando-is-anybody-there';
