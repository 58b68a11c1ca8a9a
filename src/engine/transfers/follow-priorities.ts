import type { Telling } from '../../ports/telling.ts';
import type { TransferTool } from '../../ports/transfer-tool.ts';
import type { HeldTransfer } from './held-transfer.ts';

/** Of one tool, by the ids it knows them by. */
type Changed = readonly { readonly id: string; readonly held: HeldTransfer }[];

/** Tells tools of transfers whose requests are more urgent by now, or less, than when they were submitted. What a tool did not take is told again. */
export async function followPriorities(
  submitted: ReadonlyMap<string, HeldTransfer>,
  priorities: ReadonlyMap<number, number>,
  telling: Telling | undefined,
): Promise<void> {
  const priorityOf = ({ held }: Changed[number]): number | undefined => priorities.get(held.request.lease.requestId);
  const changed = [...submitted]
    .map(([id, held]) => ({ id, held }))
    .filter((one) => {
      const priority = priorityOf(one);
      return priority !== undefined && priority !== one.held.priority;
    });
  for (const [tool, ofTool] of Map.groupBy(changed, ({ held }) => held.tool))
    for (const [priority, same] of Map.groupBy(ofTool, priorityOf))
      if (tool !== undefined && priority !== undefined) await tell(tool, same, priority, telling);
}

async function tell(
  tool: TransferTool,
  changed: Changed,
  priority: number,
  telling: Telling | undefined,
): Promise<void> {
  const before = changed.map(({ held }) => held.priority);
  for (const { held } of changed) held.priority = priority;
  try {
    await tool.prioritise(
      changed.map(({ id }) => id),
      priority,
    );
  } catch (error) {
    for (const [at, { held }] of changed.entries()) held.priority = before[at] ?? priority;
    telling?.info?.('a transfer tool was not told of a priority', { tool: tool.name, why: String(error) });
  }
}
