import { collectionCommands } from './collection-commands.ts';

export const container = collectionCommands('container');
