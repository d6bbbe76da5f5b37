import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/reader.ts'
import type { Policy } from './policy.ts'
import type { PolicyRight } from './rights.ts'

type PolicyRow = {
  readonly name: string
  readonly rights: PolicyRight[]
  readonly primaryKey: string
  readonly secondaryKey: string
}

/**
 * The policy with this name. An unknown policy takes as much time as a known one: a row like any other is read and
 * discarded.
 */
export async function findPolicy(db: Reader, name: string): Promise<Policy | undefined> {
  const [row] = await db.query<PolicyRow & { readonly known: boolean }>(
    sql`select true as known, name, rights, primary_key as "primaryKey", secondary_key as "secondaryKey"
        from policy where name = ${name}
        union all
        select false, ${name}, array['serviceConnect'], ${noKey}, ${noKey}
        limit 1`,
    'find-policy',
  )
  if (row === undefined) return undefined
  const { known, ...policy } = row
  const found = { ...policy, rights: new Set(policy.rights) }
  return known ? found : undefined
}

/** As long as generated keys. */
const noKey = Buffer.alloc(32).toString('base64')

export async function findPolicies(db: Reader): Promise<Policy[]> {
  const rows = await db.query<PolicyRow>(
    sql`select name, rights, primary_key as "primaryKey", secondary_key as "secondaryKey" from policy order by name`,
  )
  return rows.map((row) => ({ ...row, rights: new Set(row.rights) }))
}

/** Lets no other transaction write policies until this one ends. */
export async function lockPolicies(tx: Tx): Promise<void> {
  await tx.query(sql`lock table policy in exclusive mode`)
}

/** Replaces all policies by these. */
export async function replacePolicies(tx: Tx, policies: readonly Policy[]): Promise<void> {
  await tx.query(sql`delete from policy`)
  for (const policy of policies) await insertPolicy(tx, policy)
}

/** Does not change an existing policy. */
export async function insertPolicy(tx: Tx, policy: Policy): Promise<void> {
  await tx.query(
    sql`insert into policy (name, rights, primary_key, secondary_key)
        values (${policy.name}, ${[...policy.rights]}, ${policy.primaryKey}, ${policy.secondaryKey})
        on conflict do nothing`,
  )
}

export async function savePrimaryKey(tx: Tx, name: string, key: string): Promise<void> {
  await tx.query(sql`update policy set primary_key = ${key} where name = ${name} and primary_key <> ${key}`)
}

/** Records permanently that the owner's key was configured. */
export async function saveOwnerKeyGiven(tx: Tx): Promise<void> {
  await tx.query(sql`update hub set owner_key_given = true where not owner_key_given`)
}

export async function findOwnerKeyGiven(db: Reader): Promise<boolean> {
  const rows = await db.query(sql`select from hub where owner_key_given`)
  return rows.length > 0
}
