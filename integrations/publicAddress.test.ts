import { describe, expect, test } from '@jest/globals';
import { isPrivateHost, isPublicAddress, lookupPublic, PrivateAddressError } from './publicAddress.ts';

describe('an address of our own network is no address of the public internet (A3)', () => {
  test.each([
    ['this network', '0.0.0.0'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.8.9.10'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['shared', '100.64.0.1'],
    ['link-local, where clouds serve metadata', '169.254.169.254'],
    ['protocol assignments', '192.0.0.192'],
    ['documentation', '192.0.2.1'],
    ['benchmarks', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['mapped IPv4', '::ffff:127.0.0.1'],
    ['mapped IPv4', '::ffff:a9fe:a9fe'],
    ['compatible IPv4', '::7f00:1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001:0:1::1'],
    ['unique local, where clouds serve metadata', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['documentation', '2001:db8::1'],
  ])('%s: %s', (_range, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111'])('%s is one', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

test.each([
  'https://127.0.0.1',
  'https://[::1]:8443/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://0177.0.0.1',
  'https://[::ffff:10.0.0.1]',
])('however it is written, the host of %s is seen for what it is (A3)', (url) => {
  expect(isPrivateHost(new URL(url))).toBe(true);
});

test.each([{ all: true }, { all: false }])(
  'a name that leads to our own network does not resolve, whether one address is asked for or all (A3)',
  async (options) => {
    const answer = await new Promise((resolve) => {
      lookupPublic('localhost', options, (error, addresses) => {
        resolve(error ?? addresses);
      });
    });
    expect(answer).toBeInstanceOf(PrivateAddressError);
  },
);
