import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Keeps calls to addresses that people name away from our own network. What a name resolves to is judged at the moment
 * of connecting, so a name that leads elsewhere by then is refused as well.
 */

/** The part of IPv6 that is given out to the public internet (RFC 4291, IANA); the rest is refused as a whole. */
const allocatedIpv6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Thrown when a call would leave the public internet. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

/**
 * Whether an IP address belongs to the public internet. Private, loopback, link-local (which holds the metadata services
 * of clouds), shared, multicast, reserved and documentation ranges do not, nor do IPv6 addresses that stand for an IPv4
 * one (mapped, NAT64, 6to4, Teredo): they would be a way around.
 */
export function isPublicAddress(address: string): boolean {
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return !(parsed instanceof ipaddr.IPv6) || parsed.match(allocatedIpv6);
}

/** Whether the host of a URL is an IP address outside the public internet; of a name, its resolution tells. */
export function isPrivateHost({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) !== 0 && !isPublicAddress(host);
}

/** Resolves a name as Node does, and fails with `PrivateAddressError` when any of its addresses is not public. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new PrivateAddressError('The name does not lead to the public internet'), []);
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
