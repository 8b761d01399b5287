import type { EntityManager } from '@mikro-orm/postgresql';
import type { BillState } from './entities.ts';

/** What a bill stands at, and whom it goes to. */
export interface ClaimedBill {
  state: BillState;
  /** When Stripe may have heard of it first. */
  firstSentAt: Date;
  email: string;
  /** Null before the user's first bill. */
  stripeCustomerId: string | null;
}

/**
 * Writes down that a session is about to be billed, before Stripe is called; a bill that was claimed before keeps its
 * state and its time. Null when the session is not at its bill, or gone.
 */
export async function claimBill(
  em: EntityManager,
  bill: { sessionId: string; units: number },
): Promise<ClaimedBill | null> {
  const [row] = await em.execute<(Omit<ClaimedBill, 'firstSentAt'> & { firstSentAt: string })[]>(
    `with bill as (
       insert into bills (session_id, user_id, units, state)
       select id, user_id, :units, 'sending' from sessions where id = :sessionId and status = 'billing'
       on conflict (session_id) do update set updated_at = now()
       returning user_id, state, first_sent_at
     )
     select bill.state, bill.first_sent_at as "firstSentAt", users.email,
       account.stripe_customer_id as "stripeCustomerId"
     from bill
     join users on users.id = bill.user_id
     left join billing_accounts account on account.user_id = bill.user_id`,
    bill,
  );
  return row === undefined ? null : { ...row, firstSentAt: new Date(row.firstSentAt) };
}

/** Records that a session's usage was taken back. */
export async function voidBill(em: EntityManager, sessionId: string): Promise<void> {
  await em.execute(`update bills set state = 'void', updated_at = now() where session_id = :sessionId`, { sessionId });
}

/** Takes a claim back, since Stripe has said that it took nothing: the next attempt starts anew. */
export async function releaseBill(em: EntityManager, sessionId: string): Promise<void> {
  await em.execute(`delete from bills where session_id = :sessionId and state = 'sending'`, { sessionId });
}

/** Null when the session was never about to be billed. */
export async function readBillState(em: EntityManager, sessionId: string): Promise<BillState | null> {
  const [row] = await em.execute<{ state: BillState }[]>(`select state from bills where session_id = :sessionId`, {
    sessionId,
  });
  return row?.state ?? null;
}

/** Whom Stripe knows the user as; null when Stripe does not. */
export async function findCustomer(em: EntityManager, userId: string): Promise<string | null> {
  const [row] = await em.execute<{ id: string }[]>(
    `select stripe_customer_id as id from billing_accounts where user_id = :userId`,
    { userId },
  );
  return row?.id ?? null;
}

/** Remembers whom Stripe knows the user as; the first one stays. */
export async function rememberCustomer(em: EntityManager, userId: string, stripeCustomerId: string): Promise<void> {
  await em.execute(
    `insert into billing_accounts (user_id, stripe_customer_id) values (:userId, :stripeCustomerId)
     on conflict do nothing`,
    { userId, stripeCustomerId },
  );
}
