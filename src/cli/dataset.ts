import { collectionCommands } from './collection-commands.ts';

export const dataset = collectionCommands('dataset');
