import type { CommandModule } from './invocation.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** It asks the catalog little, and for it a thread would cost more than it spares. */
  readonly isShort?: true;
  /** It is about the machine it runs on, and no server carries it out for somebody else. */
  readonly isOfMachine?: true;
  /** It is about files here, and what does the same where a server is to carry it out. */
  readonly here?: string;
  load(): Promise<CommandModule>;
}

/** All commands in the order help lists them. A command's file is loaded when it is called. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'sync',
    summary: 'make targets equal to a source, in bulk',
    load: async () => (await import('./sync.ts')).sync,
  },
  {
    name: 'verify',
    summary: 'read all copies again and compare; mend them with --repair',
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    name: 'audit',
    summary: 'compare stores with the catalog: what is lost, dark, stale or corrupt; mend it with --repair',
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'cat',
    summary: 'write objects to stdout, from the nearest good copy',
    isShort: true,
    load: async () => (await import('./cat.ts')).cat,
  },
  {
    name: 'get',
    summary: 'save an object as a local file',
    here: 'it saves a file here: write pando cat NAME > FILE',
    load: async () => (await import('./get.ts')).get,
  },
  {
    name: 'put',
    summary: 'write a local file as an object',
    isShort: true,
    load: async () => (await import('./put.ts')).put,
  },
  {
    name: 'cp',
    summary: 'copy an object',
    load: async () => (await import('./cp.ts')).cp,
  },
  {
    name: 'rm',
    summary: 'delete objects at the source and all replicas',
    load: async () => (await import('./rm.ts')).rm,
  },
  {
    name: 'ls',
    summary: 'list objects',
    isShort: true,
    load: async () => (await import('./ls.ts')).ls,
  },
  {
    name: 'stat',
    summary: 'what an object is, and where its replicas are',
    isShort: true,
    load: async () => (await import('./stat.ts')).stat,
  },
  {
    name: 'upload',
    summary: 'upload files as objects to a store, and into a dataset',
    here: 'it reads files here: bring them with pando put, one by one, or upload them where the server runs',
    load: async () => (await import('./upload.ts')).upload,
  },
  {
    name: 'download',
    summary: 'save objects, datasets and containers as local files',
    here: 'it saves files here: write pando cat NAME > FILE, or download them where the server runs',
    load: async () => (await import('./download.ts')).download,
  },
  {
    name: 'object',
    summary: 'what the catalog knows of objects',
    isShort: true,
    load: async () => (await import('./object.ts')).object,
  },
  {
    name: 'dataset',
    summary: 'collections of objects',
    isShort: true,
    load: async () => (await import('./dataset.ts')).dataset,
  },
  {
    name: 'container',
    summary: 'collections of datasets and containers',
    isShort: true,
    load: async () => (await import('./container.ts')).container,
  },
  {
    name: 'status',
    summary: 'the catalog, replicas, requests and syncs',
    isShort: true,
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'server',
    summary: 'serve objects over HTTP, and do what a worker does',
    isOfMachine: true,
    load: async () => (await import('./server.ts')).server,
  },
  {
    name: 'token',
    summary: 'tokens for clients of the server',
    isShort: true,
    load: async () => (await import('./token.ts')).token,
  },
  {
    name: 'worker',
    summary: 'carry out queued copies and deletes, rules, and pages of syncs',
    isOfMachine: true,
    load: async () => (await import('./worker.ts')).worker,
  },
  {
    name: 'store',
    summary: 'the stores that rules may name, what is known of them and how they are used',
    isShort: true,
    load: async () => (await import('./store.ts')).store,
  },
  {
    name: 'policy',
    summary: 'how many copies objects ask for, and what stores accept',
    isShort: true,
    load: async () => (await import('./policy.ts')).policy,
  },
  {
    name: 'rule',
    summary: 'which objects are to have how many copies, and where',
    isShort: true,
    load: async () => (await import('./rule.ts')).rule,
  },
  {
    name: 'explain',
    summary: 'why an object or a rule is as it is, and what happens next',
    isShort: true,
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'resolve',
    summary: 'where an object can be had, best first, with the URLs of all protocols',
    isShort: true,
    load: async () => (await import('./resolve.ts')).resolve,
  },
  {
    name: 'replica',
    summary: 'the copies of an object; declare bad ones',
    isShort: true,
    load: async () => (await import('./replica.ts')).replica,
  },
  {
    name: 'quota',
    summary: 'how much accounts may claim at which stores',
    isShort: true,
    load: async () => (await import('./quota.ts')).quota,
  },
  {
    name: 'plan',
    summary: 'what a rule, a policy or the loss of a store would do; nothing is written',
    load: async () => (await import('./plan.ts')).plan,
  },
  {
    name: 'request',
    summary: 'the queue',
    isShort: true,
    load: async () => (await import('./request.ts')).request,
  },
  {
    name: 'peer',
    summary: 'the sites this one replicates with',
    isShort: true,
    load: async () => (await import('./peer.ts')).peer,
  },
  {
    name: 'conflict',
    summary: 'what was written at several sites without knowing of each other',
    load: async () => (await import('./conflict.ts')).conflict,
  },
  {
    name: 'purge',
    summary: 'delete all objects of a scope in one step, here and at its peers',
    load: async () => (await import('./purge.ts')).purge,
  },
  {
    name: 'events',
    summary: 'what happened that nobody asked for',
    isShort: true,
    load: async () => (await import('./events.ts')).events,
  },
  {
    name: 'init',
    summary: 'write a commented pando.yaml',
    isOfMachine: true,
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: 'config',
    summary: 'show, check and import the configuration',
    isOfMachine: true,
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'completion',
    summary: 'completion for your shell',
    isOfMachine: true,
    load: async () => (await import('./completion.ts')).completion,
  },
  {
    name: 'demo',
    summary: 'mirror files into two replicas, damage one, and watch it heal',
    isOfMachine: true,
    load: async () => (await import('./demo/demo.ts')).demo,
  },
];
