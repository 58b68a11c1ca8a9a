import { array, assert, double, nat, option, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  domainBetween,
  orderProtocols,
  type Protocol,
  type ProtocolPriorities,
  urlOf,
} from '../../../src/domain/store/protocol.ts';

const all = (priority: number | null): ProtocolPriorities => ({ read: priority, write: priority, delete: priority });
const protocol = (name: string, lan: ProtocolPriorities, wan: ProtocolPriorities = lan): Protocol => ({
  name,
  domains: { lan, wan },
});
const names = (protocols: readonly Protocol[]): string[] => protocols.map(({ name }) => name);
const first = { operation: 'read', domain: 'lan', fraction: 0 } as const;

describe('protocols of a store', () => {
  it('are tried from the lowest number on', () => {
    const protocols = [protocol('c', all(7)), protocol('a', all(0)), protocol('b', all(1))];
    expect(names(orderProtocols(protocols, first))).toEqual(['a', 'b', 'c']);
  });

  it('are left out where they are not for the operation', () => {
    const protocols = [protocol('ro', { read: 0, write: null, delete: null }), protocol('rw', all(1))];
    expect(names(orderProtocols(protocols, first))).toEqual(['ro', 'rw']);
    expect(names(orderProtocols(protocols, { ...first, operation: 'write' }))).toEqual(['rw']);
    expect(names(orderProtocols(protocols, { ...first, operation: 'delete' }))).toEqual(['rw']);
  });

  it('have other numbers for those who are near', () => {
    const protocols = [protocol('file', all(0), all(null)), protocol('https', all(1), all(0))];
    expect(names(orderProtocols(protocols, first))).toEqual(['file', 'https']);
    expect(names(orderProtocols(protocols, { ...first, domain: 'wan' }))).toEqual(['https']);
  });

  it('of one number take turns, and stay behind those before them', () => {
    const protocols = [protocol('z', all(0)), protocol('a', all(1)), protocol('b', all(1)), protocol('c', all(1))];
    const orders = [0, 0.34, 0.67].map((fraction) => names(orderProtocols(protocols, { ...first, fraction })).join(''));
    expect(orders).toEqual(['zabc', 'zbca', 'zcab']);
  });

  it('are each tried once, whatever the numbers', () => {
    const priority = option(nat(3));
    assert(
      property(
        array(priority, { maxLength: 6 }),
        double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (numbers, fraction) => {
          const protocols = numbers.map((number, at) => protocol(`p${at}`, all(number)));
          const tried = names(orderProtocols(protocols, { ...first, fraction }));
          expect(tried.toSorted()).toEqual(names(protocols.filter((_, at) => numbers[at] !== null)).toSorted());
        },
      ),
    );
  });

  it('know near from far by the name of the site', () => {
    expect(domainBetween('LYON', 'LYON')).toBe('lan');
    expect(domainBetween('LYON', 'GENEVA')).toBe('wan');
    expect(domainBetween(undefined, undefined)).toBe('wan');
  });
});

describe('the URL of a path', () => {
  it('is the place and the path', () => {
    const place = 'https://storageserver.organization.org/VO/data/';
    expect(urlOf(place, '07/7c/user.jdoe/test.file.1')).toBe(
      'https://storageserver.organization.org/VO/data/07/7c/user.jdoe/test.file.1',
    );
  });

  it('keeps every byte of the path in its segment', () => {
    expect(urlOf('https://a/', 'b c/d?e#f%2e')).toBe('https://a/b%20c/d%3Fe%23f%252e');
  });
});
