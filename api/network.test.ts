import { describe, expect, test } from '@jest/globals';
import { networkOf } from './network.ts';

describe('an address is counted (S1)', () => {
  test.each([
    ['an IPv4 address as itself', '192.0.2.7', '192.0.2.7'],
    ['an IPv4 address that came mapped into IPv6 as itself', '::ffff:192.0.2.7', '192.0.2.7'],
    ['the same in hexadecimal', '::ffff:c000:207', '192.0.2.7'],
    ['an IPv6 address as its /64', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['however it is written', '2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
    ['without its zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['as unknown where there is none', '', 'unknown'],
  ])('%s', (_how, address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test('apart from the next /64', () => {
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'));
  });
});
