import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/** Whether the n-th address on the way here, from 0 for who connected to us, is a proxy that says the truth. */
export type Trust = (address: string, n: number) => boolean;

/** @param trustedProxies so many proxies in front of us, or their addresses */
export function trustIn(trustedProxies: number | string[]): Trust {
  return typeof trustedProxies === 'number' ? (_address, n) => n < trustedProxies : proxyAddr.compile(trustedProxies);
}

/** Where a request comes from that Express does not see, as Express says it of the others. */
export function addressOf(request: IncomingMessage, trust: Trust): string {
  return networkOf(proxyAddr(request, trust));
}

/**
 * What an address is counted as: an IPv4 address, also one that came mapped into IPv6, as itself; an IPv6 address as its
 * /64, since one customer holds at least that many (RFC 6177) and could otherwise begin anew with each address of them.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
