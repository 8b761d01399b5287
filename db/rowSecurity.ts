import { p } from '@mikro-orm/core';

/** Row-level security: which rows the gateway sees, whatever a query forgets to ask for. */

/** The role that the gateway works as; row-level security shows it the rows of one user, `app.user_id`. */
export const gatewayRole = 'mindpeeker_gateway';

/** The user whose rows may be seen. Without one the setting is empty, and no row matches. */
const currentUser = `nullif(current_setting('app.user_id', true), '')::uuid`;

/** A policy by which the gateway sees and writes only what belongs to the current user. */
export function ownRows(name: string, column: string) {
  return {
    name,
    roles: [gatewayRole],
    using: `${column} = ${currentUser}`,
    check: `${column} = ${currentUser}`,
  };
}

/** Spelled as PostgreSQL prints it back, so that comparing the entities with the database finds no difference. */
const inOwnSessions = 'session_id IN ( SELECT sessions.id\n   FROM sessions)';

/** A policy by which the gateway sees what belongs to a session that it sees. */
export function rowsOfOwnSessions(name: string) {
  return {
    name,
    roles: [gatewayRole],
    using: inOwnSessions,
    check: inOwnSessions,
  };
}

/** A time with its zone, as every time of ours is stored. */
export const timestamp = () => p.datetime().columnType('timestamptz');
