import ipaddr from 'ipaddr.js';

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
