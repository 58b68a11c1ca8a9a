import { stateCode, stateCodeAfter } from './codes.ts';

/**
 * SQL expression: the state of the replica called `p` as it is told. What another start of the machine, or another machine, wrote
 * and did not flush is no available copy: nobody knows what is left of it. Costs a look at one column where nothing is soft.
 */
export function recordedState(p: string, boot: string): string {
  return toldAs(p, boot, '');
}

/**
 * SQL expression: the same, where it is known which stores are away: what rules and uploads placed there is not available now. What
 * profiles mirror is the business of syncs, which look for themselves.
 */
export function toldState(p: string, boot: string): string {
  return toldAs(
    p,
    boot,
    `when ${p}.placed is not null and ${p}.state = ${stateCode('AVAILABLE')}
      and exists (select 1 from store_absence a where a.store = ${p}.store and a.answered_ms is null) then ${stateCodeAfter('AVAILABLE', 'became-unreachable')}`,
  );
}

function toldAs(p: string, boot: string, whenAway: string): string {
  return `case when ${isUnflushed(p)} and exists (
      select 1 from unflushed u where u.id = ${p}.unflushed and u.boot <> ${boot}
    ) then ${stateCode('SUSPICIOUS')} ${whenAway} else ${p}.state end`;
}

/** SQL expression: 1 where the replica called `p` is soft, otherwise 0. */
export function isSoft(p: string, boot: string): string {
  return `case when ${isUnflushed(p)} and exists (
      select 1 from unflushed u where u.id = ${p}.unflushed and u.boot = ${boot}
    ) then 1 else 0 end`;
}

function isUnflushed(p: string): string {
  return `${p}.unflushed is not null and ${p}.state = ${stateCode('AVAILABLE')}`;
}
